import type { Hold } from "../model/action.ts";
import { graceOf } from "./condition.ts";
import { lostAtMs } from "./lost-host.ts";
import { patienceMs } from "./patience.ts";
import type { Situation } from "./situation.ts";

/** When the service is due for another look although nothing happens, or null when only an event can change it. */
export function lookAgainAt(situation: Situation, holds: readonly Hold[]): number | null {
  const { stock, memory, service, nowMs, hosts, observed, tuning } = situation;
  let soonest = Number.POSITIVE_INFINITY;
  const due = (atMs: number | null | undefined): void => {
    if (atMs != null && atMs > nowMs && atMs < soonest) soonest = atMs;
  };
  const graceMs = graceOf(service, tuning);
  for (const { untilMs } of holds) due(untilMs);
  for (const { condition, notPassingSinceMs, instance } of stock.amiss) {
    if (condition !== "starting" && condition !== "unregistered" && condition !== "unhealthy") continue;
    due((notPassingSinceMs ?? nowMs) + graceMs);
    // Of one that crashed, when it has run for its grace, and when it is known to go on crashing.
    due((instance.container.startedAtMs ?? nowMs) + graceMs);
    due((notPassingSinceMs ?? nowMs) + 2 * graceMs);
    due((notPassingSinceMs ?? nowMs) + patienceMs(service, instance));
  }
  for (const { expiresAtMs } of memory.inFlight) due(expiresAtMs);
  for (const name of Object.keys(observed.silentHosts)) {
    const host = hosts[name];
    if (host !== undefined) due(lostAtMs(host, service.healing.lostAfterMs));
  }
  due(memory.pause?.untilMs);
  for (const { backOff, healthySinceMs } of Object.values(memory.slots)) {
    if (backOff !== null && healthySinceMs !== null) due(healthySinceMs + tuning.backOff.forgetAfterMs);
  }
  return Number.isFinite(soonest) ? soonest : null;
}
