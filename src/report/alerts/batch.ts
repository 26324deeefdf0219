import type { ChannelLimits } from "../../ports/notifier.ts";
import type { OutboxEntry } from "./outbox.ts";

/** More than this at once are easier to read as one. */
const JOIN_ABOVE = 5;
/** So many lines fit into one message of the narrowest receiver (WeCom: 4096 bytes). */
const JOINED_MAX = 20;

interface BatchInput {
  readonly waiting: readonly OutboxEntry[];
  /** By message id: when what was refused may be tried again. */
  readonly refused: ReadonlyMap<string, number>;
  readonly sentAtMs: readonly number[];
  readonly nowMs: number;
  /** When the channel may be tried again. */
  readonly openAtMs: number;
  readonly limits: ChannelLimits | undefined;
}

export type Batch =
  | { readonly kind: "send"; readonly entries: readonly OutboxEntry[] }
  /** Infinity: nothing is due at any time. */
  | { readonly kind: "wait"; readonly atMs: number };

/**
 * What to send next to a channel, or when to look again. Messages go one by one while they are few and the receiver's
 * rate has room for all of them; else they are joined, so that no burst runs into a limit and none is left out.
 */
export function nextBatch(input: BatchInput): Batch {
  const { waiting, refused, nowMs, openAtMs, limits } = input;
  if (waiting.length === 0) return { kind: "wait", atMs: Number.POSITIVE_INFINITY };
  const dueAtMs = (one: OutboxEntry): number => refused.get(one.message.id) ?? 0;
  const due = waiting.filter((one) => dueAtMs(one) <= nowMs);
  const room = roomIn(input);
  const first = due[0];
  if (first === undefined) return { kind: "wait", atMs: Math.max(openAtMs, Math.min(...waiting.map(dueAtMs))) };
  if (openAtMs > nowMs || room.left === 0) return { kind: "wait", atMs: Math.max(openAtMs, room.againAtMs) };
  const joinable = due.filter((one) => !refused.has(one.message.id));
  const many = joinable.length > Math.min(JOIN_ABOVE, room.left);
  if (limits?.joins !== false && many) return { kind: "send", entries: joinable.slice(0, JOINED_MAX) };
  return { kind: "send", entries: [first] };
}

function roomIn({ limits, sentAtMs, nowMs }: BatchInput): { readonly left: number; readonly againAtMs: number } {
  const rate = limits?.rate ?? null;
  if (rate === null) return { left: Number.POSITIVE_INFINITY, againAtMs: nowMs };
  const recent = sentAtMs.filter((atMs) => nowMs - atMs < rate.perMs);
  const left = Math.max(0, rate.messages - recent.length);
  // With as many as allowed within the window, the first of them must leave it.
  return { left, againAtMs: left > 0 ? nowMs : (recent[recent.length - rate.messages] ?? nowMs) + rate.perMs };
}
