import type { HistoryEntry } from "../model/report.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Coordination, MemoryWrite } from "../ports/coordination.ts";
import type { Fence } from "./fence.ts";

/**
 * What was done and held of late, per service, in `history/<service>`: for people only. It is written a moment after
 * the fact and given up when Consul does not take it; nothing is decided by it.
 */
export interface HistoryStore {
  /** All that is kept, by service. What cannot be read is left out. Rejects with `RegistryError`. */
  load(): Promise<Readonly<Record<string, readonly HistoryEntry[]>>>;
  /** Soon replaces what is kept of the service by its newest entries; an empty list forgets it. */
  save(fence: Fence, service: string, history: readonly HistoryEntry[]): void;
  /** Writes at once what is still to be written, if it can be. */
  flush(): Promise<void>;
}

const prefix = "history/";
const entriesMax = 50;
const textMax = 500;
const writesApartMs = 1_000;
const retryMs = 5_000;

export function openHistory(coordination: Coordination, clock: Clock): HistoryStore {
  let indexes: Map<string, number> | null = null;
  const pending = new Map<string, { readonly fence: Fence; readonly history: readonly HistoryEntry[] }>();
  let cancel: Cancel | null = null;

  async function load(): Promise<Readonly<Record<string, readonly HistoryEntry[]>>> {
    const entries = await coordination.loadMemory(prefix);
    indexes = new Map(entries.map(({ key, modifyIndex }) => [key, modifyIndex]));
    return Object.fromEntries(entries.map(({ key, text }) => [key.slice(prefix.length), readHistory(text)]));
  }

  function later(ms: number): void {
    cancel ??= clock.after(ms, () => void flush());
  }

  async function flush(): Promise<void> {
    cancel?.();
    cancel = null;
    const batch = [...pending].filter(([, { fence }]) => fence.mayAct());
    pending.clear();
    const lease = batch[0]?.[1].fence.lease;
    if (lease == null) return;
    try {
      if (indexes === null) await load();
      const known = indexes ?? new Map<string, number>();
      const writes = batch.map(([service, { history }]): MemoryWrite => {
        const key = prefix + service;
        return { key, text: history.length === 0 ? null : writeHistory(history), modifyIndex: known.get(key) ?? 0 };
      });
      const result = await coordination.commit(lease, writes);
      if (result.kind === "lock-lost") return;
      if (result.kind === "committed") {
        for (const { key, modifyIndex } of result.entries) known.set(key, modifyIndex);
        return;
      }
    } catch {
      // Tried again below, with indexes read anew: the write may have happened.
    }
    indexes = null;
    for (const [service, one] of batch) if (!pending.has(service)) pending.set(service, one);
    later(retryMs);
  }

  return {
    load,
    save(fence, service, history) {
      pending.set(service, { fence, history });
      later(writesApartMs);
    },
    flush,
  };
}

function writeHistory(history: readonly HistoryEntry[]): string {
  return JSON.stringify(
    history.slice(-entriesMax).map((entry) => ({
      ...entry,
      what: entry.what.slice(0, textMax),
      why: entry.why.slice(0, textMax),
      detail: entry.detail?.slice(0, textMax) ?? null,
    })),
  );
}

function readHistory(text: string): readonly HistoryEntry[] {
  try {
    const entries = JSON.parse(text) as unknown;
    return Array.isArray(entries) ? entries.filter(isEntry).slice(-entriesMax) : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== "object" || value === null) return false;
  const { at, kind, what, why, outcome, detail } = value as Record<string, unknown>;
  const texts = [at, kind, what, why, outcome].every((field) => typeof field === "string");
  return texts && (detail === null || typeof detail === "string");
}
