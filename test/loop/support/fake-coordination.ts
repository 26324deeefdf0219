import type { Coordination, LeaderInfo, Lease, MemoryEntry, Session } from "../../../src/ports/coordination.ts";
import { RegistryError } from "../../../src/ports/registry.ts";
import type { FakeClock } from "./fake-clock.ts";

interface FakeSession {
  readonly id: string;
  readonly lockDelayMs: number;
  alive: boolean;
  known: boolean;
  cancelTtl: () => void;
}

/** One Consul for several processes, on a fake clock. Kept honest by the contract that the real one passes too. */
export interface FakeConsul {
  /** What one process talks to. */
  processOf(environment: string): Coordination;
  destroySession(id: string): void;
  /** The agent has lost its memory: it knows no check any more, and the sessions bound to them end. */
  forgetChecks(): void;
  deleteKey(environment: string, key: string): void;
  /** Somebody writes a key by hand. */
  writeKey(environment: string, key: string, text: string): void;
  /** From now on requests fail with this, or are answered again. */
  fail(error: RegistryError | null): void;
  /** From now on requests are never answered, or are again. */
  hang(does: boolean): void;
  /** From now on every request takes this long before it is heard. */
  delay(ms: number): void;
  /** The next commit happens, and its answer is lost. */
  loseNextAnswer(): void;
  transactions(): number;
}

export function fakeConsul(clock: FakeClock): FakeConsul {
  const places = new Map<string, ReturnType<typeof placeOf>>();
  const sessions = new Map<string, FakeSession>();
  let failure: RegistryError | null = null;
  let hangs = false;
  let delayMs = 0;
  let losesAnswer = false;
  let transactions = 0;
  let index = 10;

  function placeOf() {
    return {
      keys: new Map<string, { text: string; modifyIndex: number }>(),
      leader: {
        holder: null as LeaderInfo | null,
        session: null as string | null,
        lockIndex: 0,
        modifyIndex: 5,
        delayedUntilMs: 0,
      },
      waiting: new Set<() => void>(),
    };
  }
  const at = (environment: string) => {
    const place = places.get(environment) ?? placeOf();
    places.set(environment, place);
    return place;
  };
  const reach = async (): Promise<void> => {
    await Promise.resolve();
    if (delayMs > 0) await clock.sleep(delayMs);
    if (hangs) await new Promise(() => undefined);
    if (failure !== null) throw failure;
  };
  const moveLeader = (place: ReturnType<typeof placeOf>): void => {
    place.leader.modifyIndex = index += 1;
    for (const wake of place.waiting) wake();
  };
  const endSession = (id: string): void => {
    const session = sessions.get(id);
    if (session === undefined || !session.alive) return;
    session.alive = false;
    session.cancelTtl();
    for (const place of places.values()) {
      if (place.leader.session !== id) continue;
      place.leader.session = null;
      place.leader.delayedUntilMs = clock.steadyMs() + session.lockDelayMs;
      moveLeader(place);
    }
  };
  const leaseOf = (place: ReturnType<typeof placeOf>): Lease | null =>
    place.leader.session === null ? null : { sessionId: place.leader.session, lockIndex: place.leader.lockIndex };

  function processOf(environment: string): Coordination {
    const place = at(environment);
    return {
      async openSession({ holder, checkTtlMs, lockDelayMs }) {
        await reach();
        const id = `session-${sessions.size + 1}`;
        const session: FakeSession = { id, lockDelayMs, alive: true, known: true, cancelTtl: () => undefined };
        sessions.set(id, session);
        const restart = (): void => {
          session.cancelTtl();
          session.cancelTtl = clock.after(checkTtlMs, () => endSession(id));
        };
        restart();
        const handle: Session = {
          id,
          async renew() {
            await reach();
            if (!session.known) throw new RegistryError("refused", "the agent does not know the check");
            if (session.alive) restart();
          },
          async acquire() {
            await reach();
            const { leader } = place;
            if (leader.session === id) return leaseOf(place);
            if (leader.session !== null || clock.steadyMs() < leader.delayedUntilMs) return null;
            if (!session.alive) throw new RegistryError("refused", "invalid session");
            Object.assign(leader, { session: id, holder, lockIndex: leader.lockIndex + 1 });
            moveLeader(place);
            return leaseOf(place);
          },
          async close() {
            await reach();
            if (place.leader.session === id) {
              place.leader.session = null;
              moveLeader(place);
            }
            endSession(id);
            session.known = false;
          },
        };
        return handle;
      },

      async readLeader({ index: from, waitMs, signal }) {
        await reach();
        if (from !== undefined && from === place.leader.modifyIndex) {
          await new Promise<void>((resolve) => {
            const wake = (): void => {
              cancel();
              place.waiting.delete(wake);
              signal?.removeEventListener("abort", wake);
              resolve();
            };
            const cancel = clock.after(waitMs ?? 60_000, wake);
            place.waiting.add(wake);
            signal?.addEventListener("abort", wake, { once: true });
            if (signal?.aborted === true) wake();
          });
          if (signal?.aborted === true) throw new RegistryError("unclear", "cancelled");
          await reach();
        }
        const lease = leaseOf(place);
        return { holder: lease === null ? null : place.leader.holder, lease, index: place.leader.modifyIndex };
      },

      async loadMemory(prefix = "memory/") {
        await reach();
        const found = [...place.keys].filter(([key]) => key.startsWith(prefix));
        return found.map(([key, { text, modifyIndex }]): MemoryEntry => ({ key, text, modifyIndex }));
      },

      async commit(lease, writes) {
        await reach();
        for (const { key, text } of writes) {
          if ((text ?? "").length > 300_000) throw new RegistryError("refused", `${key} is too large`);
        }
        if (place.leader.session !== lease.sessionId) return { kind: "lock-lost" };
        const changed = writes.filter(
          ({ key, modifyIndex }) => (place.keys.get(key)?.modifyIndex ?? 0) !== modifyIndex,
        );
        if (changed.length > 0) return { kind: "changed", keys: changed.map(({ key }) => key) };
        transactions += 1;
        index += 1;
        for (const { key, text } of writes) {
          if (text === null) place.keys.delete(key);
          else place.keys.set(key, { text, modifyIndex: index });
        }
        if (losesAnswer) {
          losesAnswer = false;
          throw new RegistryError("unclear", "the answer was lost");
        }
        return {
          kind: "committed",
          entries: writes.map(({ key, text }) => ({ key, modifyIndex: text === null ? 0 : index })),
        };
      },
    };
  }

  return {
    processOf,
    destroySession: endSession,
    forgetChecks() {
      for (const session of sessions.values()) {
        session.known = false;
        endSession(session.id);
      }
    },
    deleteKey(environment, key) {
      const place = at(environment);
      if (key !== "leader") return void place.keys.delete(key);
      place.leader.session = null;
      moveLeader(place);
    },
    writeKey(environment, key, text) {
      at(environment).keys.set(key, { text, modifyIndex: (index += 1) });
    },
    fail(error) {
      failure = error;
      if (error === null) return;
      for (const place of places.values()) for (const wake of place.waiting) wake();
    },
    hang: (does) => void (hangs = does),
    delay: (ms) => void (delayMs = ms),
    loseNextAnswer: () => void (losesAnswer = true),
    transactions: () => transactions,
  };
}
