/**
 * The life of one alert, mode by mode:
 * - pending: its condition holds, and it waits. Gone again before the wait is over: forgotten, nothing was said.
 *   While a cause of it lasts, or while it is silenced or its routes sleep, it does not fire.
 * - firing: its channels are told; told again after the repeat interval, or once when a warning becomes critical.
 *   Its condition must stay away for a while before it is over, twice as long each time it came back within the hour:
 *   what flaps becomes one long alert. A condition that nobody can judge is not over.
 * - resolved: who was told of the beginning is told of the end. Kept until every channel knows and the hour is past.
 */
import type { Alert, AlertCondition } from "../../model/alert.ts";
import { escalate, oweFiring, oweFiringWhereNew, oweResolved } from "./channels.ts";
import type { Present } from "./routing.ts";
import { channelsToTell, isAsleep, isHushed } from "./routing.ts";
import { clearsAtMs, firesAtMs, FLAP_WINDOW_MS, recent, repeatOf } from "./timing.ts";

/** What a channel has not taken after so long, it is not told any more. */
const OWED_MAX_MS = 7 * 86_400_000;

/** What there is to be seen of an alert's condition in this pass. */
export type Sight =
  | { readonly kind: "holds"; readonly condition: AlertCondition; readonly inhibited: boolean }
  | { readonly kind: "unclear" }
  | { readonly kind: "gone" };

/** The first step of a key that was not known; null while a cause of it lasts. */
export function beginAlert(condition: AlertCondition, inhibited: boolean, present: Present): Alert | null {
  if (inhibited) return null;
  return pending(newAlert(condition, present), { kind: "holds", condition, inhibited }, present);
}

/** The next step; null when there is nothing left to remember. */
export function stepAlert(alert: Alert, sight: Sight, present: Present): Alert | null {
  switch (alert.phase) {
    case "pending":
      return pending(alert, sight, present);
    case "firing":
      return escalate(firing(alert, sight, present), present);
    case "resolved":
      return resolved(alert, sight, present);
  }
}

function pending(alert: Alert, sight: Sight, present: Present): Alert | null {
  if (sight.kind === "unclear") return alert;
  if (sight.kind === "gone" || sight.inhibited) {
    return alert.resolvedAtMs === null ? null : { ...alert, phase: "resolved" };
  }
  const { condition } = sight;
  const { nowMs } = present;
  const seen = withText(alert, condition, condition.severity);
  if (nowMs < firesAtMs(seen, present) || isHushed(seen, present)) {
    // The end of the last time may still be owed to a channel, and is told in the words of that time.
    return alert.resolvedAtMs === null ? seen : alert;
  }
  const firedAtMs = [...recent(seen.firedAtMs, nowMs), nowMs].slice(-8);
  const sinceWallMs = present.wallMs - (nowMs - condition.sinceMs);
  const begun: Alert = {
    ...seen,
    phase: "firing",
    firedAtMs,
    sinceWallMs,
    resolvedAtMs: null,
    endWallMs: null,
  };
  return tellNew(begun, present);
}

function firing(alert: Alert, sight: Sight, present: Present): Alert {
  const { nowMs } = present;
  if (sight.kind === "unclear") return { ...alert, clearSinceMs: null };
  if (sight.kind === "gone") {
    const clearing = { ...alert, clearSinceMs: alert.clearSinceMs ?? nowMs };
    if (nowMs < clearsAtMs(clearing, present) || isAsleep(alert, present)) return clearing;
    return oweResolved(ended(clearing, present), nowMs);
  }
  const rises = alert.severity === "warning" && sight.condition.severity === "critical";
  const seen = withText({ ...alert, clearSinceMs: null }, sight.condition, rises ? "critical" : alert.severity);
  if (sight.inhibited || isHushed(seen, present)) return { ...seen, severity: alert.severity };
  return rises ? oweFiring(seen, channelsToTell(seen, present), nowMs) : tellNew(seen, present);
}

function resolved(alert: Alert, sight: Sight, present: Present): Alert | null {
  const { nowMs } = present;
  if (sight.kind === "holds" && !sight.inhibited) {
    return pending({ ...alert, phase: "pending", pendingSinceMs: nowMs, clearSinceMs: null }, sight, present);
  }
  const restMs = nowMs - (alert.resolvedAtMs ?? nowMs);
  const owes = Object.values(alert.channels).some(({ owed }) => owed !== null);
  if (restMs >= (owes ? OWED_MAX_MS : FLAP_WINDOW_MS)) return null;
  return oweResolved(alert, nowMs);
}

/**
 * Tells channels that do not know of it, or were last told of it a repeat interval ago: each by its own clock. While a
 * channel stays broken, those that were told in its place go on being told.
 */
function tellNew(alert: Alert, present: Present): Alert {
  const records = Object.entries(alert.channels);
  const standIns = records.some(([, { owed }]) => owed?.escalated === true)
    ? records.filter(([, { taken }]) => taken === "firing").map(([name]) => name)
    : [];
  const channels = new Set([...channelsToTell(alert, present), ...standIns]);
  return oweFiringWhereNew(alert, [...channels], repeatOf(alert, present.rules), present.nowMs);
}

function ended(alert: Alert, { nowMs, wallMs }: Present): Alert {
  const endWallMs = wallMs - (nowMs - (alert.clearSinceMs ?? nowMs));
  return { ...alert, phase: "resolved", resolvedAtMs: nowMs, endWallMs, advice: [], evidence: [], doing: "" };
}

function newAlert(condition: AlertCondition, { nowMs, wallMs }: Present): Alert {
  const { causes: _causes, sinceMs, ...lasting } = condition;
  return {
    ...lasting,
    phase: "pending",
    pendingSinceMs: nowMs,
    sinceWallMs: wallMs - (nowMs - sinceMs),
    clearSinceMs: null,
    resolvedAtMs: null,
    endWallMs: null,
    firedAtMs: [],
    sequence: 0,
    channels: {},
  };
}

function withText(alert: Alert, condition: AlertCondition, severity: Alert["severity"]): Alert {
  const { services, routes, waitMs, summary, what, doing, advice, evidence } = condition;
  return { ...alert, severity, services, routes, waitMs, summary, what, doing, advice, evidence };
}
