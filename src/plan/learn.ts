import type { Action, ActionResult } from "../model/action.ts";
import type { ServiceMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { Tuning } from "../model/tuning.ts";
import { afterFailure, nextBackOff } from "./back-off.ts";
import { subjectOf } from "./subject.ts";

/**
 * What the results of a service's actions change in its memory. Done: the entry stays in flight until its effect is
 * seen. Refused: over at once, with a back-off. Unclear: expired at once, so that the next pass looks before it acts.
 */
export function learn(
  memory: ServiceMemory,
  results: readonly ActionResult[],
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  return results.reduce((known, result) => learnOne(known, result, tuning, nowMs), memory);
}

function learnOne(memory: ServiceMemory, result: ActionResult, tuning: Tuning, nowMs: number): ServiceMemory {
  const subject = subjectOf(result.action);
  const without = memory.inFlight.filter((entry) => entry.subject !== subject);
  switch (result.kind) {
    case "done":
      // Compose has finished when its command has; Swarm and the engines are waited for.
      if (result.action.kind === "scale-compose-service") return { ...memory, inFlight: without, backOff: null };
      return memory.backOff !== null && isScaling(result.action) ? { ...memory, backOff: null } : memory;
    case "skipped":
      return { ...memory, inFlight: without };
    case "failed":
      break;
  }
  if (result.retry === "look") {
    const inFlight = memory.inFlight.map((entry) =>
      entry.subject === subject ? { ...entry, expiresAtMs: nowMs } : entry,
    );
    return { ...memory, inFlight };
  }
  const { action } = result;
  if (action.kind === "start-instance") {
    const before = memory.slots[action.slot] ?? noSlotMemory;
    const failed = afterFailure(before, nowMs, tuning, result.message);
    const slot = result.retry === "never" ? { ...failed, quarantinedAtMs: failed.quarantinedAtMs ?? nowMs } : failed;
    return { ...memory, inFlight: without, slots: { ...memory.slots, [action.slot]: slot } };
  }
  if (action.kind === "register-instance" || action.kind === "deregister-instance") return memory;
  return { ...memory, inFlight: without, backOff: nextBackOff(memory.backOff, nowMs, tuning, result.message) };
}

function isScaling(action: Action): boolean {
  return action.kind === "scale-swarm-service" || action.kind === "create-swarm-service";
}
