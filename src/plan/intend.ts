import type { Action, StartInstance } from "../model/action.ts";
import type { InFlight, ServiceMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { Tuning } from "../model/tuning.ts";
import { afterFailure } from "./back-off.ts";
import type { Stock } from "./stock.ts";
import { subjectOf } from "./subject.ts";

/**
 * What is written to Memory before the actions are sent, so that whoever comes after a crash knows that they may have
 * happened. A start that replaces a failed instance counts that failure here, once.
 */
export function intend(
  memory: ServiceMemory,
  actions: readonly Action[],
  stock: Stock,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  if (actions.length === 0) return memory;
  const entries = actions.flatMap((action) => entryOf(action, tuning, nowMs));
  const subjects = new Set(entries.map(({ subject }) => subject));
  let slots = memory.slots;
  for (const action of actions) {
    if (action.kind === "start-instance")
      slots = { ...slots, [action.slot]: slotStarting(memory, action, stock, tuning, nowMs) };
  }
  return {
    ...memory,
    slots,
    inFlight: [...memory.inFlight.filter(({ subject }) => !subjects.has(subject)), ...entries],
  };
}

function slotStarting(memory: ServiceMemory, action: StartInstance, stock: Stock, tuning: Tuning, nowMs: number) {
  const before = memory.slots[action.slot] ?? noSlotMemory;
  const repeated = !before.confirmed && before.generation === action.generation;
  const newSpec = before.specHash !== null && before.specHash !== action.specHash;
  // A first start and one after the loss of a host answer to no failure of the instance.
  const blameless =
    repeated || newSpec || before.generation === 0 || (before.host !== null && stock.lostHosts.includes(before.host));
  const counted = blameless ? before : afterFailure(before, nowMs, tuning, failureOf(action, stock));
  const fresh = newSpec
    ? { ...counted, backOff: null, failuresAtMs: [], failedHosts: [], quarantinedAtMs: null }
    : counted;
  return {
    ...fresh,
    generation: action.generation,
    confirmed: false,
    host: action.host,
    specHash: action.specHash,
    healthySinceMs: null,
  };
}

function failureOf(action: StartInstance, stock: Stock): string {
  const ended = stock.counted.find(
    ({ instance, condition }) =>
      instance.container.slot === action.slot && (condition === "ended" || condition === "unhealthy"),
  );
  if (ended === undefined) return "its container vanished";
  const { exitCode } = ended.instance.container;
  if (ended.condition === "unhealthy") return "it was unhealthy";
  return exitCode === null ? "it ended" : `it ended with exit code ${exitCode}`;
}

function entryOf(action: Action, tuning: Tuning, nowMs: number): readonly InFlight[] {
  const subject = subjectOf(action);
  if (subject === null) return [];
  const base = {
    slot: null,
    generation: null,
    host: null,
    subject,
    sinceMs: nowMs,
    expiresAtMs: nowMs + tuning.inFlightMs,
  };
  switch (action.kind) {
    case "start-instance":
      return [{ ...base, kind: "start", slot: action.slot, generation: action.generation, host: action.host }];
    case "stop-instance":
    case "remove-instance":
    case "replace-swarm-task":
      return [{ ...base, kind: "stop", host: action.host }];
    case "scale-swarm-service":
      return [{ ...base, kind: "scale", slot: action.to }];
    case "create-swarm-service":
      return [{ ...base, kind: "scale", slot: action.replicas }];
    case "scale-compose-service":
      return [{ ...base, kind: "scale" }];
    case "promote-replica":
    case "switch-over":
    case "attach-replica":
    case "configure-redis":
    case "retag-roles":
    case "register-instance":
    case "deregister-instance":
      return [];
  }
}
