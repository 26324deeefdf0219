import type { Alert, AlertState, ChannelRecord, Owed } from "../../model/alert.ts";
import { cleanText } from "../../model/clean-text.ts";
import type { Present } from "./routing.ts";
import { channelsInstead } from "./routing.ts";

/** A channel that has not taken a message for so long is stood in for, whether or not it has said why. */
const ESCALATE_AFTER_MS = 300_000;

const noRecord: ChannelRecord = { taken: null, takenAtMs: null, owed: null };

/** Owes channels the news that it fires (again), under a sequence number of its own. */
export function oweFiring(alert: Alert, channels: readonly string[], nowMs: number): Alert {
  return owe(alert, channels, "firing", nowMs);
}

/**
 * Owes channels that do not know of it, and only those. An end that is still owed from before is not true any more:
 * whoever has not heard of it believes the right thing already.
 */
export function oweFiringWhereNew(alert: Alert, channels: readonly string[], repeatMs: number, nowMs: number): Alert {
  const current = dropOwedEnds(alert);
  const knows = (name: string): boolean => {
    const { taken, takenAtMs, owed } = current.channels[name] ?? noRecord;
    return owed !== null || (taken === "firing" && takenAtMs !== null && nowMs - takenAtMs < repeatMs);
  };
  return owe(
    current,
    channels.filter((name) => !knows(name)),
    "firing",
    nowMs,
  );
}

function dropOwedEnds(alert: Alert): Alert {
  const records = Object.entries(alert.channels);
  if (records.every(([, { owed }]) => owed?.state !== "resolved")) return alert;
  const channels = records.map(([name, record]) => [
    name,
    record.owed?.state === "resolved" ? { ...record, owed: null } : record,
  ]);
  return { ...alert, channels: Object.fromEntries(channels) as Alert["channels"] };
}

/** Owes the end to every channel that was told of the beginning, or has still to be. */
export function oweResolved(alert: Alert, nowMs: number): Alert {
  const told = Object.entries(alert.channels).filter(
    ([, { taken, owed }]) => owed?.state !== "resolved" && (taken === "firing" || owed?.state === "firing"),
  );
  return owe(
    alert,
    told.map(([name]) => name),
    "resolved",
    nowMs,
  );
}

function owe(alert: Alert, channels: readonly string[], state: Owed["state"], nowMs: number): Alert {
  if (channels.length === 0) return alert;
  const sequence = alert.sequence + 1;
  const records = { ...alert.channels };
  for (const name of channels) {
    const record = records[name] ?? noRecord;
    // What is waiting already keeps its trouble: news does not mend a channel.
    const { sinceMs, failure, broken, escalated, insteadOf } = record.owed ?? newOwed(nowMs);
    records[name] = { ...record, owed: { state, sequence, sinceMs, failure, broken, escalated, insteadOf } };
  }
  return { ...alert, sequence, channels: records };
}

function newOwed(sinceMs: number): Omit<Owed, "state" | "sequence"> {
  return { sinceMs, failure: null, broken: false, escalated: false, insteadOf: null };
}

/** Hands what a broken channel does not take to the next one that does not know of it. */
export function escalate(alert: Alert, { nowMs, rules }: Present): Alert {
  let next = alert;
  for (const [name, { owed }] of Object.entries(alert.channels)) {
    if (owed === null || owed.state === "resolved" || owed.escalated) continue;
    if (!owed.broken && nowMs - owed.sinceMs < ESCALATE_AFTER_MS) continue;
    const instead = channelsInstead(alert, rules).find((one) => isFree(next.channels[one]));
    if (instead === undefined) continue;
    next = owe(next, [instead], "firing", nowMs);
    next = setOwed(next, name, { escalated: true });
    next = setOwed(next, instead, { insteadOf: name });
  }
  return next;
}

function isFree(record: ChannelRecord | undefined): boolean {
  return record === undefined || (record.owed === null && record.taken !== "firing");
}

/** When the next stand-in is due, or null. */
export function escalatesAtMs({ channels }: Alert): number | null {
  const dues = Object.values(channels)
    .filter(({ owed }) => owed?.state === "firing" && !owed.escalated)
    .map(({ owed }) => (owed?.sinceMs ?? 0) + ESCALATE_AFTER_MS);
  return dues.length === 0 ? null : Math.min(...dues);
}

/** Forgets channels that the settings do not have any more. */
export function keepChannels(alert: Alert, exists: (channel: string) => boolean): Alert {
  const kept = Object.entries(alert.channels).filter(([name]) => exists(name));
  return kept.length === Object.keys(alert.channels).length ? alert : { ...alert, channels: Object.fromEntries(kept) };
}

/** One message to one channel, as the outbox names it. */
export interface DeliveryRef {
  readonly key: string;
  readonly channel: string;
  readonly sequence: number;
  readonly state: "firing" | "resolved";
}

/** The channel took it. Only this settles what is owed, and only if nothing newer is owed by now. */
export function markDelivered(state: AlertState, ref: DeliveryRef, nowMs: number): AlertState {
  return withRecord(state, ref, (record) => ({
    taken: ref.state,
    takenAtMs: nowMs,
    owed: record.owed?.sequence === ref.sequence ? null : record.owed,
  }));
}

/** The channel did not take it: `broken` when it has been tried as often as it may be. What is owed stays owed. */
export function markFailed(
  state: AlertState,
  ref: DeliveryRef,
  failure: { reason: string; broken: boolean },
): AlertState {
  return withRecord(state, ref, (record) => {
    if (record.owed === null) return record;
    const broken = record.owed.broken || failure.broken;
    const reason = cleanText(failure.reason, 120);
    if (broken === record.owed.broken && reason === record.owed.failure) return record;
    return { ...record, owed: { ...record.owed, failure: reason, broken } };
  });
}

function withRecord(state: AlertState, ref: DeliveryRef, change: (record: ChannelRecord) => ChannelRecord): AlertState {
  const alert = state.alerts[ref.key];
  const record = alert?.channels[ref.channel];
  if (alert === undefined || record === undefined) return state;
  const changed = change(record);
  if (changed === record) return state;
  const channels = { ...alert.channels, [ref.channel]: changed };
  return { ...state, alerts: { ...state.alerts, [ref.key]: { ...alert, channels } } };
}

function setOwed(alert: Alert, channel: string, change: Partial<Owed>): Alert {
  const record = alert.channels[channel];
  if (record?.owed === undefined || record.owed === null) return alert;
  return { ...alert, channels: { ...alert.channels, [channel]: { ...record, owed: { ...record.owed, ...change } } } };
}
