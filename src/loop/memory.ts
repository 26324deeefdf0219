import type { Memory } from "../model/memory.ts";
import type { Clock } from "../ports/clock.ts";
import type { Coordination, Lease, MemoryEntry, MemoryWrite } from "../ports/coordination.ts";
import type { Random } from "../ports/random.ts";
import type { Fence } from "./fence.ts";
import {
  begunAnew,
  changedTexts,
  merged,
  noContent,
  readContent,
  updated,
  type MemoryUpdate,
} from "./memory-content.ts";
import type { Writer } from "./memory-entry.ts";
import { setAsideNow, setAsidePrefix, setAsideWrites, type SetAside } from "./set-aside.ts";

/**
 * Memory of one environment in Consul KV: `memory/fleet`, `memory/alerts` and `memory/services/<name>`, so that a
 * change of one service is a small write that disturbs no other.
 */
export interface MemoryStore {
  /** As last read or written. Empty before the first `load`. */
  view(): Memory;
  /** What alerting last saved; null when nothing, or nothing readable. */
  alerts(): unknown;
  /** Entries that could not be read, by this process or an earlier one, until a person deletes their copies. */
  setAside(): readonly SetAside[];
  /**
   * Reads everything anew: whoever becomes leader does so before anything else. Entries of other processes come with
   * their delays restarted. Rejects with `RegistryError`; then the view is as before.
   */
  load(): Promise<void>;
  /**
   * Writes what differs from the view under the fence's lease; calls at the same time share a transaction. Resolves to
   * null once it is written, else to the reason why not; never rejects.
   */
  commit(fence: Fence, update: MemoryUpdate): Promise<string | null>;
  /** Whether there would be nothing to write, because all of this is written already. */
  holds(update: MemoryUpdate): boolean;
}

export interface MemoryDeps {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
}

export interface MemoryOptions {
  /** How long a service whose memory could not be read is only looked at: as long as an action may be on its way. */
  readonly holdUnreadableMs: number;
}

/** With what stands around it, this fits into one transaction of Consul: some 2,000 slots of one service. */
const entryCharactersMax = 280_000;

interface Waiting {
  readonly fence: Fence;
  readonly update: MemoryUpdate;
  readonly resolve: (reason: string | null) => void;
}

/** Reads nothing yet. */
export function openMemory({ coordination, clock, random }: MemoryDeps, options: MemoryOptions): MemoryStore {
  const by = random.uuid();
  let content = noContent;
  let stored = new Map<string, MemoryEntry>();
  let copies = new Map<string, MemoryEntry>();
  let setAside: readonly SetAside[] = [];
  /** By key, what a write whose answer did not come would have left behind; null while all is known. */
  let unclear: ReadonlyMap<string, string | null> | null = null;
  let queue: Waiting[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  const writer = (): Writer => ({ by, nowMs: clock.steadyMs(), nowWallMs: clock.wallMs() });

  /** Reading and writing wait for one another. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    // Whoever asked hears of the failure; the next in turn goes on all the same.
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function readAll(): Promise<void> {
    const [entries, aside] = await Promise.all([coordination.loadMemory(), coordination.loadMemory(setAsidePrefix)]);
    const reader = writer();
    content = readContent(entries, reader, options.holdUnreadableMs);
    stored = new Map(entries.map((entry) => [entry.key, entry]));
    copies = new Map(aside.map((entry) => [entry.key, entry]));
    setAside = setAsideNow(setAside, content.spoilt, [...copies.keys()], reader.nowMs);
    unclear = null;
  }

  /** Nobody has looked for a while: what was bad before may have been well in between, and is held against it anew. */
  async function takeUp(): Promise<void> {
    await readAll();
    content = begunAnew(content, clock.steadyMs());
  }

  async function commit(fence: Fence, update: MemoryUpdate): Promise<string | null> {
    return new Promise((resolve) => {
      queue.push({ fence, update, resolve });
      if (queue.length === 1) void inTurn(writeQueued);
    });
  }

  async function writeQueued(): Promise<void> {
    const batch = queue;
    queue = [];
    const allowed = batch.filter(({ fence }) => fence.mayAct());
    const reason = allowed.length === 0 ? null : await attempt(allowed);
    for (const one of batch)
      one.resolve(allowed.includes(one) ? reason : "leadership was lost before Memory was written");
  }

  async function attempt(batch: readonly Waiting[]): Promise<string | null> {
    try {
      const strange = unclear === null ? null : await catchUp(unclear);
      return strange ?? (await write(batch[0]!.fence.lease!, merged(batch.map(({ update }) => update))));
    } catch (error) {
      return `Memory was not written: ${(error as Error).message}`;
    }
  }

  /** Gives null when written, else the reason; rejects when the outcome is not known. */
  async function write(lease: Lease, update: MemoryUpdate): Promise<string | null> {
    const texts = changedTexts(content, update, writer());
    const tooLong = [...texts].find(([, text]) => (text ?? "").length > entryCharactersMax);
    if (tooLong !== undefined)
      return `${tooLong[0]} would be larger than Consul takes: ${tooLong[1]?.length} characters`;
    const writes: MemoryWrite[] = [
      ...setAsideWrites(content.spoilt, [...copies.values()], clock.wallMs()),
      ...[...texts].map(([key, text]) => ({ key, text, modifyIndex: stored.get(key)?.modifyIndex ?? 0 })),
    ];
    if (writes.length === 0) return null;
    unclear = new Map(writes.map(({ key, text }) => [key, text]));
    const result = await coordination.commit(lease, writes);
    if (result.kind === "lock-lost") return "the leader key is held no more: another heal may lead";
    if (result.kind === "changed") {
      await readAll();
      return `Memory was changed by somebody else (${result.keys.join(", ")}) and had to be read anew`;
    }
    unclear = null;
    result.entries.forEach(({ key, modifyIndex }, position) => {
      const text = writes[position]?.text ?? null;
      const entries = key.startsWith(setAsidePrefix) ? copies : stored;
      if (text === null) entries.delete(key);
      else entries.set(key, { key, text, modifyIndex });
    });
    content = updated(content, update);
    setAside = setAsideNow(setAside, [], [...copies.keys()], clock.steadyMs());
    return null;
  }

  /** Reads anew after a write of unknown outcome. Gives the reason to plan again when something is there that is not ours. */
  async function catchUp(attempted: ReadonlyMap<string, string | null>): Promise<string | null> {
    const before = stored;
    await readAll();
    const strange = [...new Set([...before.keys(), ...stored.keys()])].filter((key) => {
      const now = stored.get(key)?.text ?? null;
      return now !== (before.get(key)?.text ?? null) && !(attempted.has(key) && attempted.get(key) === now);
    });
    return strange.length === 0
      ? null
      : `Memory was changed by somebody else (${strange.join(", ")}) and had to be read anew`;
  }

  return {
    view: () => content.memory,
    alerts: () => content.alerts,
    setAside: () => setAside,
    load: () => inTurn(takeUp),
    commit,
    holds: (update) => unclear === null && changedTexts(content, update, writer()).size === 0,
  };
}
