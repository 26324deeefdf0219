import type { Alert, AlertRoute, AlertRules } from "../../model/alert.ts";
import type { Present } from "./routing.ts";
import { routesOf } from "./routing.ts";

/** An alert that comes back within so long flaps. */
export const FLAP_WINDOW_MS = 3_600_000;
const CLEAR_WAIT_FLAPPING_MS = 60_000;
const CLEAR_WAIT_MAX_MS = 1_800_000;

/** When something is due to happen to an alert although nothing else does; null when nothing is. */
export function nextStepAtMs(alert: Alert, present: Present): number | null {
  if (alert.phase === "pending") return firesAtMs(alert, present);
  if (alert.phase === "resolved") return null;
  return alert.clearSinceMs === null ? repeatsAtMs(alert, present) : clearsAtMs(alert, present);
}

/** When a pending alert has waited long enough. */
export function firesAtMs(alert: Alert, { rules }: Present): number {
  return alert.pendingSinceMs + (alert.waitMs ?? waitOf(alert, rules));
}

/** When the first of the channels that know of it is to be told again. */
function repeatsAtMs(alert: Alert, { rules }: Present): number | null {
  const told = Object.values(alert.channels).filter(({ taken, owed }) => taken === "firing" && owed === null);
  const takenAtMs = told.map((record) => record.takenAtMs).filter((atMs) => atMs !== null);
  return takenAtMs.length === 0 ? null : Math.min(...takenAtMs) + repeatOf(alert, rules);
}

/** When an alert whose condition is gone is over: later each time it came back. */
export function clearsAtMs(alert: Alert, { rules, nowMs }: Present): number {
  const waitMs = waitOf(alert, rules);
  const flaps = recent(alert.firedAtMs, nowMs).length - 1;
  const dampedMs = flaps <= 0 ? waitMs : Math.max(waitMs, CLEAR_WAIT_FLAPPING_MS) * 2 ** (flaps - 1);
  return (alert.clearSinceMs ?? nowMs) + Math.min(dampedMs, Math.max(waitMs, CLEAR_WAIT_MAX_MS));
}

export function recent(timesMs: readonly number[], nowMs: number): readonly number[] {
  return timesMs.filter((atMs) => nowMs - atMs < FLAP_WINDOW_MS);
}

function waitOf(alert: Alert, rules: AlertRules): number {
  return shortest(alert, rules, ({ waitMs }) => waitMs, 30_000);
}

/** How long a channel is left in peace about what it knows. */
export function repeatOf(alert: Alert, rules: AlertRules): number {
  return shortest(alert, rules, ({ repeatMs }) => repeatMs, 14_400_000);
}

/** Of several routes the one that is told soonest counts; without any, nobody is told and the value hardly matters. */
function shortest(alert: Alert, rules: AlertRules, of: (route: AlertRoute) => number, withoutRoute: number): number {
  const routes = routesOf(alert, rules);
  return routes.length === 0 ? withoutRoute : Math.min(...routes.map(of));
}
