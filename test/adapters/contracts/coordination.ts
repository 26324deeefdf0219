import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Coordination, Lease, Session, SessionOptions } from "../../../src/ports/coordination.ts";
import type { RegistryError } from "../../../src/ports/registry.ts";

export interface CoordinationUnderTest {
  /** Another process's view of the same environment; two of the same name share keys and lock. */
  open(environment: string): Coordination;
  /** What an operator can do by hand. */
  destroySession(id: string): Promise<void>;
  deleteLeaderKey(environment: string): Promise<void>;
  /** Lets time pass for the coordination: really, or on the simulator's clock. */
  pass(ms: number): Promise<void>;
  nowMs(): number;
  close(): Promise<void>;
}

/** Registers the tests that every `Coordination` passes. */
export function coordinationContract(kind: string, open: () => Promise<CoordinationUnderTest>): void {
  describe(`${kind} as coordination`, () => {
    const run = Math.random().toString(36).slice(2, 8);
    let environments = 0;
    let under: CoordinationUnderTest;

    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    const options: SessionOptions = {
      holder: { node: "n1", processId: 41, version: "0.1.0", address: "http://127.0.0.1:7411" },
      checkTtlMs: 1_000,
      lockDelayMs: 500,
    };

    const aPlace = (): string => `contract-${run}-${(environments += 1)}`;

    async function aSession(coordination: Coordination, changes: Partial<SessionOptions> = {}): Promise<Session> {
      const session = await coordination.openSession({ ...options, ...changes });
      onTestFinished(() => session.close().catch(() => undefined));
      return session;
    }

    async function aLeader(
      changes: Partial<SessionOptions> = {},
    ): Promise<{ place: string; coordination: Coordination; session: Session; lease: Lease }> {
      const place = aPlace();
      const coordination = under.open(place);
      const session = await aSession(coordination, { checkTtlMs: 60_000, ...changes });
      const lease = await session.acquire();
      if (lease === null) throw new Error("the first to ask did not get the lock");
      return { place, coordination, session, lease };
    }

    /** Asks for the lock until it is had; gives how long that took. */
    async function untilAcquired(session: Session, withinMs: number): Promise<{ lease: Lease; afterMs: number }> {
      const startedAt = under.nowMs();
      for (;;) {
        await session.renew();
        const lease = await session.acquire();
        if (lease !== null) return { lease, afterMs: under.nowMs() - startedAt };
        if (under.nowMs() - startedAt > withinMs) throw new Error(`no lock within ${withinMs} ms`);
        await under.pass(20);
      }
    }

    async function leaseOrRefusal(session: Session): Promise<string> {
      return session.acquire().then(
        (lease) => JSON.stringify(lease),
        (error: RegistryError) => error.kind,
      );
    }

    describe("the lock", () => {
      it("has no holder at first", async () => {
        expect(await under.open(aPlace()).readLeader({})).toMatchObject({ holder: null, lease: null });
      });

      it("goes to the first who asks, and everyone can read who that is", async () => {
        const { place, session, lease } = await aLeader();
        expect(lease.sessionId).toBe(session.id);
        expect(await under.open(place).readLeader({})).toMatchObject({ holder: options.holder, lease });
      });

      it("is not given to a second one", async () => {
        const { place } = await aLeader();
        const second = await aSession(under.open(place));
        expect(await second.acquire()).toBeNull();
      });

      it("stays the same lease when its holder asks again", async () => {
        const { session, lease } = await aLeader();
        expect(await session.acquire()).toEqual(lease);
      });

      it("is free at once when its holder closes, and the next period has a higher lock index", async () => {
        const { place, session, lease } = await aLeader({ lockDelayMs: 15_000 });
        await session.close();
        const next = await (await aSession(under.open(place))).acquire();
        expect(next).not.toBeNull();
        expect(next!.sessionId).not.toBe(lease.sessionId);
        expect(next!.lockIndex).toBeGreaterThan(lease.lockIndex);
      });

      it("is separate for each environment", async () => {
        await aLeader();
        await aLeader();
      });

      it("passes on when the holder's heartbeat stays away for the TTL and the lock-delay is over", async () => {
        const { place, session } = await aLeader({ checkTtlMs: 1_000, lockDelayMs: 500 });
        const other = await aSession(under.open(place), { checkTtlMs: 60_000 });
        await session.renew();
        const { afterMs } = await untilAcquired(other, 6_000);
        expect(afterMs).toBeGreaterThanOrEqual(1_450);
        expect(afterMs).toBeLessThan(3_000);
        expect(await leaseOrRefusal(session)).toMatch(/null|refused/);
      });

      it("stays as long as the heartbeat comes", async () => {
        const { place, session, lease } = await aLeader({ checkTtlMs: 600 });
        const until = under.nowMs() + 1_800;
        while (under.nowMs() < until) {
          await session.renew();
          await under.pass(150);
        }
        expect((await under.open(place).readLeader({})).lease).toEqual(lease);
      });

      it("is withheld for the lock-delay when the session is destroyed by hand", async () => {
        const { place, session } = await aLeader({ lockDelayMs: 1_000 });
        const other = await aSession(under.open(place), { checkTtlMs: 60_000 });
        await under.destroySession(session.id);
        expect((await under.open(place).readLeader({})).lease).toBeNull();
        expect(await other.acquire()).toBeNull();
        const { afterMs } = await untilAcquired(other, 5_000);
        expect(afterMs).toBeGreaterThanOrEqual(800);
      });

      it("cannot be had with a session that is gone", async () => {
        const { session } = await aLeader();
        await under.destroySession(session.id);
        expect(await leaseOrRefusal(session)).toMatch(/null|refused/);
        await under.pass(1_000);
        expect(await leaseOrRefusal(session)).toBe("refused");
      });

      it("wakes those who wait for it when it is released", async () => {
        const { place, session } = await aLeader();
        const watcher = under.open(place);
        const { index } = await watcher.readLeader({});
        const blocked = watcher.readLeader({ index, waitMs: 20_000 });
        await session.close();
        const view = await blocked;
        expect(view.holder).toBeNull();
        expect(view.index).toBeGreaterThan(index);
      });

      it("gives up waiting when told to", async () => {
        const { place } = await aLeader();
        const watcher = under.open(place);
        const { index } = await watcher.readLeader({});
        const stop = new AbortController();
        const blocked = watcher.readLeader({ index, waitMs: 20_000, signal: stop.signal });
        stop.abort();
        await expect(blocked).rejects.toMatchObject({ name: "RegistryError" });
      });
    });

    describe("Memory", () => {
      it("is empty at first", async () => {
        expect(await under.open(aPlace()).loadMemory()).toEqual([]);
      });

      it("gives back what was committed, with the index to change it by", async () => {
        const { place, coordination, lease } = await aLeader();
        const text = JSON.stringify({ hello: "wörld", zero: "\u0000" });
        const result = await coordination.commit(lease, [
          { key: "memory/services/web", text, modifyIndex: 0 },
          { key: "memory/fleet", text: "", modifyIndex: 0 },
        ]);
        if (result.kind !== "committed") throw new Error(`expected a commit, got ${result.kind}`);
        const entries = await under.open(place).loadMemory();
        expect(entries).toHaveLength(2);
        expect(entries).toEqual(
          expect.arrayContaining([
            { key: "memory/services/web", text, modifyIndex: result.entries[0]!.modifyIndex },
            { key: "memory/fleet", text: "", modifyIndex: result.entries[1]!.modifyIndex },
          ]),
        );
      });

      it("is kept apart from the leader key and from what has another prefix", async () => {
        const { coordination, lease } = await aLeader();
        await coordination.commit(lease, [
          { key: "memory/fleet", text: "1", modifyIndex: 0 },
          { key: "history/web", text: "2", modifyIndex: 0 },
        ]);
        expect((await coordination.loadMemory()).map((entry) => entry.key)).toEqual(["memory/fleet"]);
        expect((await coordination.loadMemory("history/")).map((entry) => entry.key)).toEqual(["history/web"]);
      });

      it("changes and deletes by index", async () => {
        const { coordination, lease } = await aLeader();
        const key = "memory/fleet";
        const first = await coordination.commit(lease, [{ key, text: "1", modifyIndex: 0 }]);
        if (first.kind !== "committed") throw new Error("not committed");
        const second = await coordination.commit(lease, [
          { key, text: "2", modifyIndex: first.entries[0]!.modifyIndex },
        ]);
        if (second.kind !== "committed") throw new Error("not committed");
        expect(second.entries[0]!.modifyIndex).toBeGreaterThan(first.entries[0]!.modifyIndex);
        await coordination.commit(lease, [{ key, text: null, modifyIndex: second.entries[0]!.modifyIndex }]);
        expect(await coordination.loadMemory()).toEqual([]);
      });

      it("refuses all of a commit when one key was changed by somebody else, and names that key", async () => {
        const { coordination, lease } = await aLeader();
        const first = await coordination.commit(lease, [{ key: "memory/services/b", text: "1", modifyIndex: 0 }]);
        if (first.kind !== "committed") throw new Error("not committed");
        const result = await coordination.commit(lease, [
          { key: "memory/services/a", text: "new", modifyIndex: 0 },
          { key: "memory/services/b", text: "new", modifyIndex: first.entries[0]!.modifyIndex + 1_000 },
        ]);
        expect(result).toEqual({ kind: "changed", keys: ["memory/services/b"] });
        expect((await coordination.loadMemory()).map(({ key, text }) => [key, text])).toEqual([
          ["memory/services/b", "1"],
        ]);
      });

      it("refuses to create a key that is there already", async () => {
        const { coordination, lease } = await aLeader();
        await coordination.commit(lease, [{ key: "memory/fleet", text: "1", modifyIndex: 0 }]);
        const again = await coordination.commit(lease, [{ key: "memory/fleet", text: "2", modifyIndex: 0 }]);
        expect(again).toEqual({ kind: "changed", keys: ["memory/fleet"] });
      });

      it("cannot be written by who has lost the lock, however that came", async () => {
        const write = [{ key: "memory/fleet", text: "late", modifyIndex: 0 }];
        const destroyed = await aLeader();
        await under.destroySession(destroyed.session.id);
        expect(await destroyed.coordination.commit(destroyed.lease, write)).toEqual({ kind: "lock-lost" });

        const deleted = await aLeader();
        await under.deleteLeaderKey(deleted.place);
        expect(await deleted.coordination.commit(deleted.lease, write)).toEqual({ kind: "lock-lost" });

        const replaced = await aLeader();
        await replaced.session.close();
        const next = await aSession(under.open(replaced.place));
        expect(await next.acquire()).not.toBeNull();
        expect(await replaced.coordination.commit(replaced.lease, write)).toEqual({ kind: "lock-lost" });
        expect(await replaced.coordination.loadMemory()).toEqual([]);
      });

      it("takes more keys than one transaction holds", async () => {
        const { coordination, lease } = await aLeader();
        const writes = Array.from({ length: 200 }, (_, n) => ({
          key: `memory/services/s${n}`,
          text: `${n}`,
          modifyIndex: 0,
        }));
        const result = await coordination.commit(lease, writes);
        if (result.kind !== "committed") throw new Error(`expected a commit, got ${result.kind}`);
        expect(result.entries.map((entry) => entry.key)).toEqual(writes.map((write) => write.key));
        expect(await coordination.loadMemory()).toHaveLength(200);
      });

      it("takes more bytes than one transaction holds, and refuses one entry that can never fit", async () => {
        const { coordination, lease } = await aLeader();
        const big = "x".repeat(200_000);
        const writes = ["a", "b", "c"].map((name) => ({ key: `memory/services/${name}`, text: big, modifyIndex: 0 }));
        expect((await coordination.commit(lease, writes)).kind).toBe("committed");
        const tooBig = [{ key: "memory/services/d", text: "x".repeat(600_000), modifyIndex: 0 }];
        await expect(coordination.commit(lease, tooBig)).rejects.toMatchObject({ kind: "refused" });
      });
    });
  });
}
