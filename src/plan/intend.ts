import type { Action, StartInstance } from "../model/action.ts";
import type { InFlight, ServiceMemory, SlotMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { Tuning } from "../model/tuning.ts";
import { afterFailure, withoutFailures } from "./back-off.ts";
import { ADOPTED_SLOT } from "./remember-slots.ts";
import { RULE } from "./rule-names.ts";
import type { Stock } from "./stock.ts";
import { subjectOf } from "./subject.ts";

/**
 * What is written to Memory before the actions are sent, so that whoever comes after a crash knows that they may have
 * happened. An action that answers a failure of an instance counts that failure here, once.
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
  const slots: Record<number, SlotMemory> = { ...memory.slots };
  for (const action of actions) {
    if (action.kind === "start-instance") {
      slots[action.slot] = slotStarting(slots[action.slot] ?? noSlotMemory, action, stock, tuning, nowMs);
    } else if (isReplacementOfAdopted(action, stock)) {
      const before = { ...(slots[ADOPTED_SLOT] ?? noSlotMemory), host: action.host };
      slots[ADOPTED_SLOT] = afterFailure(before, nowMs, tuning, `${action.name} was unhealthy`);
    }
  }
  return {
    ...memory,
    slots,
    inFlight: [...memory.inFlight.filter(({ subject }) => !subjects.has(subject)), ...entries],
  };
}

function slotStarting(
  before: SlotMemory,
  action: StartInstance,
  stock: Stock,
  tuning: Tuning,
  nowMs: number,
): SlotMemory {
  const isNewSpecification = before.specHash !== null && before.specHash !== action.specHash;
  const wasLost = before.host !== null && stock.lostHosts.includes(before.host);
  // A first start answers to no failure, nor does one after the loss of a host; and a start that is repeated because
  // nobody saw what became of it, or because it was refused, was counted when that was learnt.
  const isBlameless = before.generation === 0 || !before.confirmed || wasLost;
  const counted = isBlameless ? before : afterFailure(before, nowMs, tuning, failureOf(action, stock));
  return {
    ...(isNewSpecification ? withoutFailures(before) : counted),
    generation: action.generation,
    confirmed: false,
    host: action.host,
    specHash: action.specHash,
    healthySinceMs: null,
  };
}

function failureOf({ slot }: StartInstance, { slots }: Stock): string {
  const occupant = slots[slot - 1]?.occupant ?? null;
  if (occupant === null) return "its container is gone";
  const { exitCode } = occupant.instance.container;
  if (occupant.condition === "unhealthy") return "it was unhealthy";
  return exitCode === null ? "it ended" : `it ended with exit code ${exitCode}`;
}

function isReplacementOfAdopted(
  action: Action,
  { slots }: Stock,
): action is Extract<Action, { kind: "replace-swarm-task" | "stop-instance" }> {
  if (action.because.rule !== RULE.replaceUnhealthy || slots.length > 0) return false;
  return action.kind === "replace-swarm-task" || action.kind === "stop-instance";
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
      return [{ ...base, kind: "scale", host: action.host }];
    case "register-instance":
    case "deregister-instance":
      return [{ ...base, kind: "register", expiresAtMs: nowMs + tuning.backOff.initialMs }];
    default:
      return [];
  }
}
