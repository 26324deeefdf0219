import type { Hold } from "../model/action.ts";
import type { Situation } from "./situation.ts";
import { graceOf } from "./condition.ts";
import { lostAtMs } from "./lost-host.ts";

/** When the service is due for another look although nothing happens, or null when only an event can change it. */
export function lookAgainAt(situation: Situation, holds: readonly Hold[]): number | null {
  const { stock, memory, service, nowMs, hosts, observed, tuning } = situation;
  const graceMs = Math.max(graceOf(service, tuning), service.healing.unhealthyAfterMs);
  const times: number[] = holds.flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]));
  for (const { condition, notPassingSinceMs } of stock.counted) {
    if (condition === "starting") times.push((notPassingSinceMs ?? nowMs) + graceMs);
  }
  for (const entry of memory.inFlight) times.push(entry.expiresAtMs);
  for (const name of Object.keys(observed.silentHosts)) {
    const host = hosts[name];
    const lost = host === undefined ? null : lostAtMs(host, service.healing.lostAfterMs);
    if (lost !== null) times.push(lost);
  }
  if (stock.surplus > 0 && memory.surplusSinceMs !== null) times.push(memory.surplusSinceMs + service.surplus.afterMs);
  if (memory.pause?.untilMs != null) times.push(memory.pause.untilMs);
  for (const slot of Object.values(memory.slots)) {
    if (slot.backOff !== null && slot.healthySinceMs !== null)
      times.push(slot.healthySinceMs + tuning.backOff.forgetAfterMs);
  }
  const due = times.filter((time) => time > nowMs);
  return due.length === 0 ? null : Math.min(...due);
}
