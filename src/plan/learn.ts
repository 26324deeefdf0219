import type { Action, ActionResult } from "../model/action.ts";
import { isRedisAction } from "../model/action.ts";
import type { BackOff, ServiceMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { Tuning } from "../model/tuning.ts";
import { afterFailure, afterStart, nextBackOff } from "./back-off.ts";
import { learnRoles, readRedisMemory } from "./redis/memory.ts";
import { subjectOf } from "./subject.ts";

type Failed = Extract<ActionResult, { kind: "failed" }>;

/**
 * What the results of a service's actions change in its memory. Done: the entry stays in flight until a look shows
 * its effect. Refused: over at once, with a back-off. Unclear: expired at once, so that the next pass looks before it acts.
 */
export function learn(
  memory: ServiceMemory,
  results: readonly ActionResult[],
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  const [aboutRoles, others] = [true, false].map((wanted) =>
    results.filter(({ action }) => isRedisAction(action) === wanted),
  );
  const known = (others ?? []).reduce((sum, result) => learnOne(sum, result, tuning, nowMs), memory);
  if (aboutRoles === undefined || aboutRoles.length === 0) return known;
  return { ...known, redis: learnRoles(readRedisMemory(known.redis), aboutRoles, nowMs) };
}

function learnOne(memory: ServiceMemory, result: ActionResult, tuning: Tuning, nowMs: number): ServiceMemory {
  switch (result.kind) {
    case "done":
      return learnDone(memory, result.action, nowMs);
    case "skipped":
      return endEntry(memory, result.action, nowMs);
    case "failed":
      if (result.retry === "look") return expireEntry(memory, result.action, nowMs);
      return result.action.kind === "start-instance"
        ? learnStartFailed(memory, result.action.slot, result, tuning, nowMs)
        : learnFailed(memory, result, tuning, nowMs);
  }
}

/**
 * What has been confirmed needs no more time to appear: where its effect is not seen, a fresh look settles at once that
 * it is gone again. Compose has finished when its command has.
 */
function learnDone(memory: ServiceMemory, action: Action, nowMs: number): ServiceMemory {
  if (action.kind === "start-instance") {
    const slot = { ...afterStart(memory.slots[action.slot] ?? noSlotMemory, nowMs), confirmed: true };
    return expireEntry({ ...memory, slots: { ...memory.slots, [action.slot]: slot } }, action, nowMs);
  }
  const known = memory.backOff === null ? memory : { ...memory, backOff: null };
  switch (action.kind) {
    case "scale-compose-service":
      return withoutEntry(known, action);
    case "scale-swarm-service":
    case "create-swarm-service":
      return expireEntry(known, action, nowMs);
    case "register-instance": {
      // Its check begins as critical and has not run yet: what was missing before says nothing about its health.
      const { [action.containerId]: _before, ...notPassingSinceMs } = known.notPassingSinceMs;
      return { ...known, notPassingSinceMs };
    }
    default:
      return known;
  }
}

/** It certainly did not happen, so the next try may go to another host; that host is remembered as one that failed. */
function learnStartFailed(
  memory: ServiceMemory,
  number: number,
  { action, message, retry }: Failed,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  const before = memory.slots[number] ?? noSlotMemory;
  const slot = { ...afterFailure(before, nowMs, tuning, message, retry === "never"), host: null };
  return withoutEntry({ ...memory, slots: { ...memory.slots, [number]: slot } }, action);
}

function learnFailed(
  memory: ServiceMemory,
  { action, message, retry }: Failed,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  const backOff = backOffAfter(memory.backOff, action, message, retry === "never", tuning, nowMs);
  return endEntry({ ...memory, backOff }, action, nowMs);
}

/**
 * An agent that does not answer now may do so any moment, and clients miss the instance until it is registered: such
 * tries keep their distance, but it does not grow.
 */
function backOffAfter(
  last: BackOff | null,
  action: Action,
  message: string,
  hopeless: boolean,
  tuning: Tuning,
  nowMs: number,
): BackOff {
  const isRegistration = action.kind === "register-instance" || action.kind === "deregister-instance";
  const next = nextBackOff(isRegistration ? null : last, nowMs, tuning, message);
  if (isRegistration && last !== null && last.untilMs > next.untilMs) return last;
  if (!hopeless) return next;
  const delayMs = Math.max(next.delayMs, tuning.quarantine.retryMs);
  return { ...next, delayMs, untilMs: nowMs + delayMs };
}

/** A stop may have got as far as the maintenance; what became of it is looked at. Anything else has not happened. */
function endEntry(memory: ServiceMemory, action: Action, nowMs: number): ServiceMemory {
  return action.kind === "stop-instance" ? expireEntry(memory, action, nowMs) : withoutEntry(memory, action);
}

function withoutEntry(memory: ServiceMemory, action: Action): ServiceMemory {
  const subject = subjectOf(action);
  const inFlight = memory.inFlight.filter((entry) => entry.subject !== subject);
  return inFlight.length === memory.inFlight.length ? memory : { ...memory, inFlight };
}

function expireEntry(memory: ServiceMemory, action: Action, nowMs: number): ServiceMemory {
  const subject = subjectOf(action);
  const expiresAtMs = nowMs;
  const inFlight = memory.inFlight.map((entry) => (entry.subject === subject ? { ...entry, expiresAtMs } : entry));
  return { ...memory, inFlight };
}
