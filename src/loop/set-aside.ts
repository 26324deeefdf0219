import type { MemoryEntry, MemoryWrite } from "../ports/coordination.ts";
import type { Spoilt } from "./memory-content.ts";

/** An entry of Memory that could not be read. */
export interface SetAside {
  readonly key: string;
  readonly reason: string;
  /** Since when this process has known of it. */
  readonly sinceMs: number;
}

export const setAsidePrefix = "set-aside/";

/** Of each key so many are kept: a `heal` of another version may spoil them again and again. */
const keptMax = 5;

/**
 * Copies entries as they are to `set-aside/<key>/<time>`, and drops the oldest copies of the same key: a person, or the
 * newer `heal` that wrote them, may still make sense of them.
 */
export function setAsideWrites(spoilt: readonly Spoilt[], kept: readonly MemoryEntry[], wallMs: number): MemoryWrite[] {
  const time = new Date(wallMs).toISOString();
  return spoilt.flatMap(({ key, text }) => {
    const prefix = `${setAsidePrefix}${key}/`;
    const copies = kept.filter((copy) => copy.key.startsWith(prefix)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const oldest = copies.slice(0, Math.max(0, copies.length + 1 - keptMax));
    const drop = oldest.map((copy) => ({ key: copy.key, text: null, modifyIndex: copy.modifyIndex }));
    return [{ key: prefix + time, text, modifyIndex: 0 }, ...drop];
  });
}

/** What is to be told of: entries still in their place, and copies until a person deletes them. */
export function setAsideNow(
  before: readonly SetAside[],
  spoilt: readonly Spoilt[],
  copies: readonly string[],
  nowMs: number,
): readonly SetAside[] {
  const since = new Map(before.map((one) => [one.key, one.sinceMs]));
  const aside = copies.map((key) => ({
    key,
    reason: "it could not be read; delete the key when it is not needed any more",
  }));
  return [...spoilt, ...aside].map(({ key, reason }) => ({ key, reason, sinceMs: since.get(key) ?? nowMs }));
}
