import type { Alert, AlertState, ChannelRecord, Silence } from "../../model/alert.ts";
import { ALERT_STATE_VERSION } from "../../model/alert.ts";
import { cleanText } from "../../model/clean-text.ts";
import { named } from "./wording.ts";

/** As much of the time while nobody ran counts as time passed; more, or less than none, is a clock that cannot be trusted. */
const CREDIT_MAX_MS = 300_000;
const SILENCES_MAX = 100;

export function emptyAlertState(nowMs: number): AlertState {
  return { version: ALERT_STATE_VERSION, savedAtMs: nowMs, alerts: {}, silences: [] };
}

export type ReadAlertState =
  | { readonly kind: "read"; readonly state: AlertState }
  /** To be set aside and begun anew, never guessed at. */
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Reads what another process (or an earlier life of this one) saved. Its steady clock was not ours, so all times are
 * moved: what was a minute old when it was saved is a minute old now, plus the time since then as far as the two
 * clocks agree on a short one. So waits and repeats go on where they were: nothing fires twice, nothing starts over,
 * and a clock that was set meanwhile changes no delay by more than five minutes.
 */
export function readAlertState(text: string, nowMs: number): ReadAlertState {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { kind: "unreadable", reason: "it is not JSON" };
  }
  const trouble = whatIsWrong(parsed);
  if (trouble !== null) return { kind: "unreadable", reason: trouble };
  const saved = parsed as AlertState;
  const passedMs = nowMs - saved.savedAtMs;
  const creditMs = passedMs >= 0 && passedMs <= CREDIT_MAX_MS ? passedMs : 0;
  return { kind: "read", state: shifted(saved, passedMs - creditMs, nowMs) };
}

/** Enough to never crash on what somebody else wrote; texts were cleaned when they were made. */
function whatIsWrong(value: unknown): string | null {
  if (!isRecord(value)) return "it is not an object";
  if (value["version"] !== ALERT_STATE_VERSION)
    return `its version is ${cleanText(String(value["version"]), 20)}, not ${ALERT_STATE_VERSION}`;
  if (!isNumber(value["savedAtMs"]) || !isRecord(value["alerts"]) || !Array.isArray(value["silences"]))
    return "it lacks fields";
  if (!Object.entries(value["alerts"]).every(([key, alert]) => isAlert(alert) && alert.key === key))
    return "an alert in it is malformed";
  return value["silences"].every(isSilence) ? null : "a silence in it is malformed";
}

function isAlert(value: unknown): value is Alert {
  if (!isRecord(value)) return false;
  const texts = ["key", "kind", "subject", "summary", "what", "doing"].every((name) => typeof value[name] === "string");
  const lists = ["services", "routes", "advice", "evidence"].every((name) => isList(value[name], "string"));
  const times = ["pendingSinceMs", "sinceWallMs", "sequence"].every((name) => isNumber(value[name]));
  const maybe = ["waitMs", "clearSinceMs", "resolvedAtMs", "endWallMs"].every(
    (name) => value[name] === null || isNumber(value[name]),
  );
  const words =
    ["pending", "firing", "resolved"].includes(String(value["phase"])) &&
    ["warning", "critical"].includes(String(value["severity"]));
  const channels = isRecord(value["channels"]) && Object.values(value["channels"]).every(isChannelRecord);
  return texts && lists && times && maybe && words && channels && isList(value["firedAtMs"], "number");
}

function isChannelRecord(value: unknown): value is ChannelRecord {
  if (!isRecord(value) || !(value["takenAtMs"] === null || isNumber(value["takenAtMs"]))) return false;
  const { owed } = value;
  if (owed === null) return true;
  return (
    isRecord(owed) &&
    isNumber(owed["sequence"]) &&
    isNumber(owed["sinceMs"]) &&
    ["firing", "resolved"].includes(String(owed["state"]))
  );
}

function isSilence(value: unknown): value is Silence {
  return (
    isRecord(value) &&
    typeof value["subject"] === "string" &&
    isNumber(value["untilMs"]) &&
    isNumber(value["untilWallMs"])
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isList(value: unknown, of: "string" | "number"): boolean {
  return Array.isArray(value) && value.every((one) => (of === "number" ? isNumber(one) : typeof one === "string"));
}

function shifted(saved: AlertState, byMs: number, nowMs: number): AlertState {
  // No age is negative: a time ahead of the one it was saved at is a mistake of whoever saved it.
  const past = (atMs: number): number => Math.min(atMs + byMs, nowMs);
  const maybe = (atMs: number | null): number | null => (atMs === null ? null : past(atMs));
  const alerts = Object.entries(saved.alerts).map(([key, alert]): [string, Alert] => [
    key,
    {
      ...alert,
      pendingSinceMs: past(alert.pendingSinceMs),
      clearSinceMs: maybe(alert.clearSinceMs),
      resolvedAtMs: maybe(alert.resolvedAtMs),
      firedAtMs: alert.firedAtMs.map(past),
      channels: Object.fromEntries(
        Object.entries(alert.channels).map(([name, { taken, takenAtMs, owed }]) => [
          name,
          { taken, takenAtMs: maybe(takenAtMs), owed: owed === null ? null : { ...owed, sinceMs: past(owed.sinceMs) } },
        ]),
      ),
    },
  ]);
  const silences = saved.silences.map((silence) => ({ ...silence, untilMs: silence.untilMs + byMs }));
  return { ...saved, savedAtMs: saved.savedAtMs + byMs, alerts: Object.fromEntries(alerts), silences };
}

/**
 * The part of a daemon's state that is its own: what it told while nobody led and nothing could be saved. When there is
 * a leader again it is told to be over from here: by this daemon alone, or, if it leads now, laid over what was saved.
 */
export function ownAlerts(state: AlertState): AlertState {
  const own = Object.entries(state.alerts).filter(([, { kind }]) => kind === "leaderless");
  return { ...state, alerts: Object.fromEntries(own), silences: [] };
}

export interface SilenceWish {
  /** A service's or host's name. */
  readonly subject: string;
  readonly forMs: number;
  readonly why: string;
  readonly by: string;
}

/** `heal silence web --for 2h --why "…"`: replaces an earlier one of the same subject. */
export function addSilence(state: AlertState, wish: SilenceWish, now: { nowMs: number; wallMs: number }): AlertState {
  const silence: Silence = {
    subject: named(wish.subject),
    why: cleanText(wish.why, 160),
    by: cleanText(wish.by, 64),
    untilMs: now.nowMs + wish.forMs,
    untilWallMs: now.wallMs + wish.forMs,
  };
  const others = state.silences.filter(({ subject }) => subject !== silence.subject).slice(-SILENCES_MAX + 1);
  return { ...state, savedAtMs: now.nowMs, silences: [...others, silence] };
}

/** `heal silence web --end`. */
export function endSilence(state: AlertState, subject: string, nowMs: number): AlertState {
  return {
    ...state,
    savedAtMs: nowMs,
    silences: state.silences.filter((silence) => silence.subject !== named(subject)),
  };
}
