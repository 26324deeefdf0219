import { describe, expect, it, onTestFinished } from "vitest";
import { Fenced } from "../../src/act/hands.ts";
import { startLeadership, type Leadership } from "../../src/loop/leadership.ts";
import { defaultTerms, leaseMs, renewEveryMs } from "../../src/loop/lease.ts";
import type { LeaderInfo } from "../../src/ports/coordination.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { fakeClock, type FakeClock } from "./support/fake-clock.ts";
import { fakeConsul, type FakeConsul } from "./support/fake-coordination.ts";

const terms = { ...defaultTerms, checkTtlMs: 2_000, lockDelayMs: 1_500, marginMs: 250 };
const random = { next: () => 0.5, uuid: () => "uuid" };

interface Cluster {
  readonly clock: FakeClock;
  readonly consul: FakeConsul;
  daemon(name: string): Leadership & { readonly seen: string[] };
}

function aCluster(): Cluster {
  const clock = fakeClock();
  const consul = fakeConsul(clock);
  return {
    clock,
    consul,
    daemon(name) {
      const holder: LeaderInfo = { node: name, processId: 1, version: "0", address: null };
      const leadership = startLeadership({ coordination: consul.processOf("live"), clock, random }, { holder, terms });
      const seen: string[] = [];
      leadership.onChange(({ kind }) => seen.push(kind));
      onTestFinished(async () => {
        consul.hang(false);
        consul.fail(null);
        const stopped = leadership.stop();
        await clock.advance(5_000);
        await stopped;
      });
      return { ...leadership, seen };
    },
  };
}

async function aLeader() {
  const cluster = aCluster();
  const leader = cluster.daemon("a");
  await cluster.clock.advance(10);
  expect(leader.standing().kind).toBe("leader");
  return { ...cluster, leader };
}

const mayAct = (...all: readonly Leadership[]): boolean[] => all.map((one) => one.current().mayAct());

describe("leadership", () => {
  it("goes to one of two who start together, and the other knows who it is", async () => {
    const { clock, daemon } = aCluster();
    const [a, b] = [daemon("a"), daemon("b")];
    await clock.advance(200);
    expect(mayAct(a, b)).toEqual([true, false]);
    expect(b.standing()).toMatchObject({ kind: "follower", holder: { node: "a" } });
    expect(() => b.current().assertMayAct()).toThrow(new Fenced("not acting: the heal on a leads"));
  });

  it("gives the sequencer to stamp on what is created", async () => {
    const { leader } = await aLeader();
    const { lease } = leader.current();
    expect(leader.current().assertMayAct()).toBe(`${lease?.sessionId}@${lease?.lockIndex}`);
  });

  it("is kept for as long as it is renewed, with one and the same fence", async () => {
    const { clock, leader } = await aLeader();
    const fence = leader.current();
    await clock.advance(60_000);
    expect(leader.current()).toBe(fence);
    expect(fence.mayAct()).toBe(true);
    expect(leader.seen).toEqual(["candidate", "leader"]);
  });

  it("passes to the other at once when the leader stops", async () => {
    const { clock, daemon, leader } = await aLeader();
    const other = daemon("b");
    await clock.advance(200);
    const fence = leader.current();
    const stopped = leader.stop();
    expect(fence.mayAct()).toBe(false);
    await clock.advance(60);
    await stopped;
    expect(other.standing().kind).toBe("leader");
    expect(leader.standing().kind).toBe("stopped");
  });

  it("is no longer acted on, once renewals fail, before anybody else can have it", async () => {
    const { clock, consul, leader } = await aLeader();
    await clock.advance(renewEveryMs(terms) * 4);
    const fence = leader.current();
    consul.fail(new RegistryError("unreachable", "no route"));
    await clock.advance(leaseMs(terms) + 1);
    expect(fence.mayAct()).toBe(false);
    expect(leader.standing()).toMatchObject({ kind: "suspended" });
    expect(() => fence.assertMayAct()).toThrow(/not acting any more: no renewal for \d+ ms/);
  });

  it("is no longer acted on when renewals are never answered", async () => {
    const { clock, consul, leader } = await aLeader();
    consul.hang(true);
    await clock.advance(leaseMs(terms) + renewEveryMs(terms));
    expect(mayAct(leader)).toEqual([false]);
    expect(leader.seen).toEqual(["candidate", "leader", "suspended"]);
  });

  it("counts its lease from when a renewal was sent, however late the answer", async () => {
    // Wherever between two renewals Consul falls silent: the last one that was answered was sent 400 ms before.
    for (const phaseMs of [0, 100, 200, 300, 400]) {
      const { clock, consul, leader } = await aLeader();
      consul.delay(400);
      await clock.advance(3_000 + phaseMs);
      expect(mayAct(leader)).toEqual([true]);
      consul.hang(true);
      await clock.advance(leaseMs(terms) - 400);
      expect(mayAct(leader)).toEqual([false]);
    }
  });

  it("comes back with a new fence when Consul does, and the old one stays void", async () => {
    const { clock, consul, leader } = await aLeader();
    const before = leader.current();
    consul.fail(new RegistryError("no-leader", "No cluster leader"));
    await clock.advance(leaseMs(terms) + 1);
    consul.fail(null);
    // The check's own TTL is not over yet, so that nobody else has had the key.
    await clock.advance(renewEveryMs(terms));
    expect(leader.seen).toEqual(["candidate", "leader", "suspended", "leader"]);
    expect(before.mayAct()).toBe(false);
    expect(leader.current().mayAct()).toBe(true);
    expect(leader.current().lease).toEqual(before.lease);
  });

  it("falls at once when the key shows another lease, and is then sought anew", async () => {
    const { clock, consul, leader } = await aLeader();
    const fence = leader.current();
    consul.destroySession(fence.lease!.sessionId);
    await clock.advance(renewEveryMs(terms));
    expect(fence.mayAct()).toBe(false);
    expect(() => fence.assertMayAct()).toThrow(Fenced);
    await clock.advance(terms.lockDelayMs + 500);
    expect(leader.current().mayAct()).toBe(true);
    expect(leader.current().lease!.sessionId).not.toBe(fence.lease!.sessionId);
    expect(leader.seen).not.toContain("suspended");
  });

  it("falls when somebody deletes the key by hand", async () => {
    const { clock, consul, leader } = await aLeader();
    const fence = leader.current();
    consul.deleteKey("live", "leader");
    await clock.advance(renewEveryMs(terms) + 1);
    expect(fence.mayAct()).toBe(false);
    await clock.advance(1_000);
    expect(leader.current().mayAct()).toBe(true);
  });

  it("is sought anew with another session when the agent has lost its memory", async () => {
    const { clock, consul, leader } = await aLeader();
    const fence = leader.current();
    consul.forgetChecks();
    await clock.advance(renewEveryMs(terms) + 1);
    expect(fence.mayAct()).toBe(false);
    await clock.advance(3_000);
    expect(leader.current().mayAct()).toBe(true);
  });

  it("lapses while the process is stopped, and what was begun before does not go on", async () => {
    const { clock, leader } = await aLeader();
    const fence = leader.current();
    await clock.freeze(leaseMs(terms) + 100);
    expect(fence.mayAct()).toBe(false);
    await clock.advance(1_000);
    expect(leader.current().mayAct()).toBe(true);
    expect(fence.mayAct()).toBe(false);
  });

  it("does not survive a pause although a renewal sent before it is answered after it", async () => {
    const { clock, leader } = await aLeader();
    const fence = leader.current();
    // Right before a renewal is due: it goes out late, and its answer must not revive the old fence.
    await clock.advance(renewEveryMs(terms) - 11);
    await clock.freeze(30_000);
    await clock.advance(5_000);
    expect(fence.mayAct()).toBe(false);
    expect(() => fence.assertMayAct()).toThrow(/leadership lapsed meanwhile|no renewal|another process/);
  });

  it("suspends itself when the wall clock jumps by an hour, until the next renewal", async () => {
    for (const hourMs of [3_600_000, -3_600_000]) {
      const { clock, leader } = await aLeader();
      const fence = leader.current();
      clock.moveWall(hourMs);
      expect(fence.mayAct()).toBe(false);
      expect(leader.standing().kind).toBe("suspended");
      await clock.advance(renewEveryMs(terms));
      expect(leader.current().mayAct()).toBe(true);
      expect(fence.mayAct()).toBe(false);
    }
  });

  it("is never acted on by two at the same moment while it changes hands", async () => {
    const { clock, consul, daemon, leader } = await aLeader();
    const rival = daemon("b");
    await clock.advance(200);
    consul.destroySession(leader.current().lease!.sessionId);
    const led: string[] = [];
    for (let step = 0; step < 100; step += 1) {
      const [a, b] = mayAct(leader, rival);
      expect(a && b).toBe(false);
      led.push(a ? "a" : b ? "b" : "-");
      await clock.advance(50);
    }
    expect(led.join("")).toMatch(/^a{1,12}-{20,}(a+|b+)$/);
  });

  it("waits for Consul when it does not answer at first, and says why", async () => {
    const { clock, consul, daemon } = aCluster();
    consul.fail(new RegistryError("unreachable", "connection refused"));
    const a = daemon("a");
    await clock.advance(10_000);
    expect(a.standing()).toMatchObject({ kind: "seeking", reason: "connection refused" });
    expect(() => a.current().assertMayAct()).toThrow("not acting: it is not known who leads (connection refused)");
    consul.fail(null);
    await clock.advance(2_500);
    expect(a.standing().kind).toBe("leader");
  });

  it("settles for a one-shot command: it leads, or it knows who does", async () => {
    const { clock, daemon, leader } = await aLeader();
    expect(await leader.settled(1_000)).toMatchObject({ kind: "leader" });
    const oneShot = daemon("one-shot");
    const settled = oneShot.settled(1_000);
    await clock.advance(100);
    expect(await settled).toMatchObject({ kind: "follower", holder: { node: "a" } });
  });

  it("settles for nothing but leading when told to, once the holder's time is up", async () => {
    const { clock, consul, daemon, leader } = await aLeader();
    const oneShot = daemon("one-shot");
    await clock.advance(100);
    const settled = oneShot.settled(6_000, ["leader"]);
    await clock.advance(1_000);
    consul.destroySession(leader.current().lease!.sessionId);
    const stopped = leader.stop();
    await clock.advance(4_000);
    await stopped;
    expect(await settled).toMatchObject({ kind: "leader" });
  });

  it("settles for what there is when it takes too long", async () => {
    const { clock, consul, daemon } = aCluster();
    consul.hang(true);
    const settled = daemon("a").settled(1_000);
    await clock.advance(1_001);
    expect(await settled).toMatchObject({ kind: "seeking" });
  });

  it("gives back a key that it won while it was being stopped", async () => {
    const { clock, consul, daemon } = aCluster();
    const a = daemon("a");
    const stopped = a.stop();
    await clock.advance(100);
    await stopped;
    expect(a.seen).not.toContain("leader");
    expect((await consul.processOf("live").readLeader({})).holder).toBeNull();
  });

  it("stops within seconds although Consul does not answer", async () => {
    const { clock, consul, leader } = await aLeader();
    consul.hang(true);
    const stopped = leader.stop();
    await clock.advance(5_000);
    await stopped;
    expect(leader.standing().kind).toBe("stopped");
  });

  it("asks for a key that nobody has ten times a second, and once a second with the longest lock-delay", async () => {
    const triesWithin = async (lockDelayMs: number): Promise<number> => {
      const { clock, consul } = aCluster();
      const coordination = consul.processOf("live");
      let tries = 0;
      const counted: typeof coordination = {
        ...coordination,
        openSession: async (options) => {
          const session = await coordination.openSession(options);
          return { ...session, acquire: async () => ((tries += 1), null) };
        },
      };
      const holder: LeaderInfo = { node: "a", processId: 1, version: "0", address: null };
      const own = { ...terms, checkTtlMs: 60_000, lockDelayMs };
      const leadership = startLeadership({ coordination: counted, clock, random }, { holder, terms: own });
      await clock.advance(10_000);
      const stopped = leadership.stop();
      await clock.advance(5_000);
      await stopped;
      return tries;
    };
    expect(await triesWithin(1_500)).toBeGreaterThan(80);
    expect(await triesWithin(60_000)).toBeLessThanOrEqual(11);
  });

  it("refuses terms that are not safe, before it asks for anything", () => {
    const { clock, consul } = aCluster();
    const holder: LeaderInfo = { node: "a", processId: 1, version: "0", address: null };
    const start = (): Leadership =>
      startLeadership(
        { coordination: consul.processOf("live"), clock, random },
        { holder, terms: { ...terms, requestTimeoutMs: 30_000 } },
      );
    expect(start).toThrow(/leadership\.lockDelay of 1500 ms is too short/);
  });
});
