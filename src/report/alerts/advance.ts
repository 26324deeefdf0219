import type { Alert, AlertCondition, AlertRules, AlertState, Conditions } from "../../model/alert.ts";
import { utf8Bytes } from "../../model/clean-text.ts";
import { escalatesAtMs, keepChannels } from "./channels.ts";
import type { Sight } from "./life.ts";
import { beginAlert, stepAlert } from "./life.ts";
import type { OutboxEntry } from "./outbox.ts";
import { outboxOf } from "./outbox.ts";
import { overflowOf } from "./overflow.ts";
import type { Present } from "./routing.ts";
import { isLive } from "./routing.ts";
import { nextStepAtMs } from "./timing.ts";

/** So many alerts are told apart; what is beyond stands behind one more that counts them. */
const ALERTS_MAX = 50;
/** Ended ones are remembered for flapping, and for channels that do not know yet: those are the last to be dropped. */
const ENDED_MAX = 100;
/** A value of Consul's key-value store has 512 KiB at the most. */
const STATE_BYTES_MAX = 400_000;
/** So old may what is saved be before it is saved again although nothing happened: a restart knows its age by it. */
const SAVE_EVERY_MS = 120_000;

export interface AdvanceInput {
  readonly environment: string;
  readonly conditions: Conditions;
  readonly state: AlertState;
  /** Steady clock. Everything is decided by it, but for quiet hours and the ends of silences. */
  readonly nowMs: number;
  readonly wallMs: number;
  readonly rules: AlertRules;
}

export interface Advanced {
  /** The same object when nothing changed: then there is nothing to save. */
  readonly state: AlertState;
  /** All that is owed to channels now. It is to be handed to delivery once `state` has been saved, never before. */
  readonly outbox: readonly OutboxEntry[];
  /** When to call again although nothing happens, on the steady clock; null: only when something does. */
  readonly lookAgainAtMs: number | null;
}

/**
 * Takes every alert one step further. Pure: the same input gives the same answer, and the state is all there is, so
 * that a restart or another leader goes on where the last one was. What is owed stays in the state until
 * `markDelivered`, whatever happens between.
 */
export function advanceAlerts(input: AdvanceInput): Advanced {
  const { state, rules, nowMs, wallMs } = input;
  const silences = state.silences.filter((silence) => isLive(silence, input));
  const present: Present = { nowMs, wallMs, rules, silences };
  const alerts = withinBytes(withinNumber(step(input, present)));
  const next = sameOrNew(state, alerts, silences, nowMs);
  return { state: next, outbox: outboxOf(next, input), lookAgainAtMs: lookAgainAtMs(next, present) };
}

function step(input: AdvanceInput, present: Present): ReadonlyMap<string, Alert> {
  const { state, conditions, rules } = input;
  const holding = new Map(conditions.holding.toReversed().map((one) => [one.key, one]));
  const unclear = new Set(conditions.unclear);
  const known = Object.values(state.alerts);
  const causes = new Set([...holding.keys(), ...known.filter(({ phase }) => phase === "firing").map(({ key }) => key)]);
  const isInhibited = (one: AlertCondition): boolean => one.causes.some((key) => key !== one.key && causes.has(key));

  const channels = new Set(
    Object.values(rules.routes).flatMap((one) => [...one.critical, ...one.warning, ...one.fallback]),
  );
  const next = new Map<string, Alert>();
  for (const before of known) {
    if (before.kind === "overflow") continue;
    const alert = keepChannels(before, (name) => channels.has(name));
    const condition = holding.get(alert.key);
    const sight: Sight =
      condition !== undefined
        ? { kind: "holds", condition, inhibited: isInhibited(condition) }
        : { kind: unclear.has(alert.key) ? "unclear" : "gone" };
    const after = stepAlert(alert, sight, present);
    if (after !== null) next.set(after.key, JSON.stringify(after) === JSON.stringify(before) ? before : after);
  }

  const fresh = [...holding.values()].filter((one) => !next.has(one.key) && !isInhibited(one)).sort(byUrgency);
  const room = Math.max(0, ALERTS_MAX - [...next.values()].filter(({ phase }) => phase !== "resolved").length);
  for (const one of fresh.slice(0, room)) {
    const alert = beginAlert(one, false, present);
    if (alert !== null) next.set(alert.key, alert);
  }
  const overflow = stepOverflow(input, fresh.slice(room), present);
  if (overflow !== null) next.set(overflow.key, overflow);
  return next;
}

function stepOverflow(input: AdvanceInput, rest: readonly AlertCondition[], present: Present): Alert | null {
  const before = Object.values(input.state.alerts).find(({ kind }) => kind === "overflow");
  const condition = overflowOf(input.environment, rest, input.nowMs);
  if (before === undefined) return condition === null ? null : beginAlert(condition, false, present);
  const sight: Sight = condition === null ? { kind: "gone" } : { kind: "holds", condition, inhibited: false };
  const after = stepAlert(before, sight, present);
  return after !== null && JSON.stringify(after) === JSON.stringify(before) ? before : after;
}

function byUrgency(a: AlertCondition, b: AlertCondition): number {
  if (a.severity !== b.severity) return a.severity === "critical" ? -1 : 1;
  return a.sinceMs - b.sinceMs || (a.key < b.key ? -1 : 1);
}

/** Drops ended alerts beyond the limit: first those that every channel knows to be over, then the oldest. */
function withinNumber(alerts: ReadonlyMap<string, Alert>): ReadonlyMap<string, Alert> {
  const ended = [...alerts.values()].filter(({ phase }) => phase === "resolved");
  if (ended.length <= ENDED_MAX) return alerts;
  const owes = (alert: Alert): number => (Object.values(alert.channels).some(({ owed }) => owed !== null) ? 1 : 0);
  const dropped = new Set(
    ended
      .sort((a, b) => owes(b) - owes(a) || (b.resolvedAtMs ?? 0) - (a.resolvedAtMs ?? 0))
      .slice(ENDED_MAX)
      .map(({ key }) => key),
  );
  return new Map([...alerts].filter(([key]) => !dropped.has(key)));
}

/** Leaves out what can be looked up, should so many long texts ever come together: that something is wrong is never left out. */
function withinBytes(alerts: ReadonlyMap<string, Alert>): ReadonlyMap<string, Alert> {
  if (alerts.size < 20 || utf8Bytes(JSON.stringify([...alerts.values()])) <= STATE_BYTES_MAX) return alerts;
  const shorter = [...alerts].map(([key, alert]): [string, Alert] => [
    key,
    { ...alert, evidence: [], advice: alert.advice.slice(0, 1), services: alert.services.slice(0, 2) },
  ]);
  return new Map(shorter);
}

function sameOrNew(
  state: AlertState,
  alerts: ReadonlyMap<string, Alert>,
  silences: AlertState["silences"],
  nowMs: number,
): AlertState {
  const unchanged =
    alerts.size === Object.keys(state.alerts).length &&
    [...alerts].every(([key, alert]) => state.alerts[key] === alert) &&
    silences.length === state.silences.length;
  const idle = alerts.size === 0 && silences.length === 0;
  if (unchanged && (idle || nowMs - state.savedAtMs < SAVE_EVERY_MS)) return state;
  return { ...state, savedAtMs: nowMs, alerts: Object.fromEntries(alerts), silences };
}

function lookAgainAtMs(state: AlertState, present: Present): number | null {
  const alerts = Object.values(state.alerts);
  const dues = [
    ...alerts.map((alert) => nextStepAtMs(alert, present)),
    ...alerts.map(escalatesAtMs),
    ...state.silences.map(({ untilMs }) => untilMs),
  ].filter((atMs) => atMs !== null);
  const ahead = dues.filter((atMs) => atMs > present.nowMs);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
