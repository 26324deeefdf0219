import type {
  CommitResult,
  LeaderInfo,
  LeaderView,
  Lease,
  MemoryEntry,
  MemoryWrite,
} from "../../src/ports/coordination.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import type { ConsulServers } from "./consul-servers.ts";
import type { Dice } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** Sessions, the leader key and the keys of Memory of one environment, as the servers keep them. */
export interface ConsulKeys {
  /** null while the servers do not know the check yet. */
  createSession(node: string, checkId: string, lockDelayMs: number): string | null;
  destroySession(id: string): void;
  acquire(session: string, holder: LeaderInfo): Lease | null;
  release(session: string): void;
  leader(): LeaderView;
  entries(prefix: string): readonly MemoryEntry[];
  commit(lease: Lease, writes: readonly MemoryWrite[]): CommitResult;
  get(key: string): string | null;
  /** By hand, past every lock. */
  set(key: string, text: string | null): void;
  /** By hand: the key is gone, and who held it holds it no more. */
  deleteLeader(): void;
  /** How long after its check turned critical a session is still there. */
  setExpiryDelay(delayMs: () => number): void;
  size(): { readonly keys: number; readonly bytesMax: number };
  wipe(): void;
}

interface SessionRow {
  readonly node: string;
  readonly checkId: string;
  readonly lockDelayMs: number;
}

export const LEADER_TOPIC = "key:leader";

export function consulKeys(scheduler: Scheduler, dice: Dice, servers: ConsulServers): ConsulKeys {
  const sessions = new Map<string, SessionRow>();
  const keys = new Map<string, { text: string; modifyIndex: number }>();
  let lock: { holder: LeaderInfo | null; session: string | null; index: number } = {
    holder: null,
    session: null,
    index: 0,
  };
  let lockFreeAtMs = 0;
  let expiryDelay = (): number => 0;

  const unlock = (): void => {
    lock = { ...lock, holder: null, session: null };
    servers.touch(LEADER_TOPIC);
  };
  const destroy = (id: string): void => {
    const row = sessions.get(id);
    if (row === undefined) return;
    sessions.delete(id);
    if (lock.session !== id) return;
    lockFreeAtMs = scheduler.nowMs() + row.lockDelayMs;
    unlock();
    scheduler.at(lockFreeAtMs, () => lock.session === null && servers.touch(LEADER_TOPIC));
  };

  servers.onStatus((node, id, status) => {
    if (status === "passing" || status === "warning") return;
    for (const [session, row] of sessions) {
      if (row.node !== node || (id !== null && id !== row.checkId)) continue;
      scheduler.after(expiryDelay(), () => destroy(session));
    }
  });

  return {
    createSession(node, checkId, lockDelayMs) {
      if (servers.entry(node, checkId)?.status !== "passing" || servers.nodes.get(node)?.status !== "passing")
        return null;
      const id = dice.uuid();
      sessions.set(id, { node, checkId, lockDelayMs });
      return id;
    },
    destroySession: destroy,
    acquire(session, holder) {
      if (!sessions.has(session)) throw new RegistryError("refused", `invalid session "${session}"`);
      if (lock.session === null && scheduler.nowMs() >= lockFreeAtMs) {
        lock = { holder, session, index: lock.index + 1 };
        servers.touch(LEADER_TOPIC);
      }
      return lock.session === session ? { sessionId: session, lockIndex: lock.index } : null;
    },
    release(session) {
      if (lock.session === session) unlock();
    },
    leader() {
      const index = servers.indexOf(LEADER_TOPIC);
      if (lock.session === null) return { holder: null, lease: null, index };
      return { holder: lock.holder, lease: { sessionId: lock.session, lockIndex: lock.index }, index };
    },
    entries(prefix) {
      const found: MemoryEntry[] = [];
      for (const [key, { text, modifyIndex }] of keys)
        if (key.startsWith(prefix)) found.push({ key, text, modifyIndex });
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    commit(lease, writes) {
      // Consul's check-session compares the session alone: the lock index names it within the same session's life.
      if (lock.session !== lease.sessionId) return { kind: "lock-lost" };
      const changed = writes.filter((write) => (keys.get(write.key)?.modifyIndex ?? 0) !== write.modifyIndex);
      if (changed.length > 0) return { kind: "changed", keys: changed.map((write) => write.key) };
      const written = writes.map(({ key, text }) => {
        const modifyIndex = servers.touch(`key:${key}`);
        if (text === null) keys.delete(key);
        else keys.set(key, { text, modifyIndex });
        return { key, modifyIndex: text === null ? 0 : modifyIndex };
      });
      return { kind: "committed", entries: written };
    },
    get: (key) => keys.get(key)?.text ?? null,
    set(key, text) {
      if (text === null) keys.delete(key);
      else keys.set(key, { text, modifyIndex: servers.touch(`key:${key}`) });
    },
    deleteLeader() {
      lock = { holder: null, session: null, index: 0 };
      servers.touch(LEADER_TOPIC);
    },
    setExpiryDelay: (delayMs) => void (expiryDelay = delayMs),
    size() {
      let bytesMax = 0;
      for (const { text } of keys.values()) bytesMax = Math.max(bytesMax, text.length);
      return { keys: keys.size, bytesMax };
    },
    wipe() {
      for (const id of sessions.keys()) destroy(id);
      keys.clear();
      lockFreeAtMs = 0;
    },
  };
}
