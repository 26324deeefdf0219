import { describe, expect, it } from "vitest";
import { noFence, type Fence } from "../../src/loop/fence.ts";
import { openMemory, type MemoryStore } from "../../src/loop/memory.ts";
import type { ServiceMemory } from "../../src/model/memory.ts";
import { noFleetMemory, noServiceMemory, noSlotMemory } from "../../src/model/memory.ts";
import type { Lease } from "../../src/ports/coordination.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { fakeClock } from "./support/fake-clock.ts";
import { fakeConsul } from "./support/fake-coordination.ts";

const holdUnreadableMs = 60_000;

async function aPlace() {
  const clock = fakeClock();
  const consul = fakeConsul(clock);
  const coordination = consul.processOf("live");
  const options = { holder: { node: "a", processId: 1, version: "0", address: null }, checkTtlMs: 1e9, lockDelayMs: 0 };
  const session = await coordination.openSession(options);
  const lease: Lease = (await session.acquire())!;
  let processes = 0;
  return {
    clock,
    consul,
    coordination,
    session,
    fence: fenceOf(lease),
    /** Memory as another process opens it. */
    open(): MemoryStore {
      const uuid = `process-${(processes += 1)}`;
      const random = { next: () => 0.5, uuid: () => uuid };
      return openMemory({ coordination, clock, random }, { holdUnreadableMs });
    },
    keys: async () => (await coordination.loadMemory("")).map(({ key }) => key).toSorted(),
  };
}

function fenceOf(lease: Lease): Fence {
  return { lease, mayAct: () => true, assertMayAct: () => `${lease.sessionId}@${lease.lockIndex}` };
}

function aService(nowMs: number, changes: Partial<ServiceMemory> = {}): ServiceMemory {
  return {
    ...noServiceMemory,
    slots: { 1: { ...noSlotMemory, generation: 3, host: "h1", specHash: "abc", healthySinceMs: nowMs - 5_000 } },
    status: 2,
    statusSinceMs: nowMs - 1_000,
    registrations: 2,
    ...changes,
  };
}

describe("Memory", () => {
  it("is empty where nothing was ever written", async () => {
    const { open } = await aPlace();
    const memory = open();
    await memory.load();
    expect(memory.view()).toEqual({ fleet: noFleetMemory, services: {} });
    expect(memory.alerts()).toBeNull();
    expect(memory.setAside()).toEqual([]);
  });

  it("shows what was committed at once, and exactly that when the same process reads it again", async () => {
    const { clock, fence, open } = await aPlace();
    const memory = open();
    const web = aService(clock.steadyMs(), {
      inFlight: [
        {
          kind: "start",
          slot: 1,
          generation: 3,
          host: "h1",
          subject: "heal.live.web.1.3",
          sinceMs: 999_000,
          expiresAtMs: 1_059_000,
        },
      ],
      pause: { sinceMs: 1, untilMs: 2, why: "maintenance" },
      binding: { kind: "engine" },
    });
    const fleet = { ...noFleetMemory, stopsAtMs: [999_000], lostHosts: { h2: 998_000 } };
    expect(await memory.commit(fence, { services: { web }, fleet, alerts: { version: 1 } })).toBeNull();
    const written = { services: { web }, fleet };
    expect(memory.view()).toEqual(written);
    await clock.advance(30_000);
    await memory.load();
    // The time of a start that was on its way is over: a look settles it.
    const inFlight = web.inFlight.map((start) => ({ ...start, expiresAtMs: clock.steadyMs() }));
    expect(memory.view()).toEqual({ ...written, services: { web: { ...web, inFlight } } });
    expect(memory.alerts()).toEqual({ version: 1 });
  });

  it("writes nothing when nothing changed, and only the keys that did", async () => {
    const { clock, consul, fence, open, coordination } = await aPlace();
    const memory = open();
    const [web, api] = [aService(clock.steadyMs()), aService(clock.steadyMs())];
    await memory.commit(fence, { services: { web, api }, fleet: noFleetMemory });
    const before = await coordination.loadMemory();
    expect(before.map(({ key }) => key)).toEqual(["memory/services/web", "memory/services/api"]);
    const transactions = consul.transactions();
    expect(
      await memory.commit(fence, { services: { web: structuredClone(web), api }, fleet: noFleetMemory }),
    ).toBeNull();
    expect(consul.transactions()).toBe(transactions);
    await memory.commit(fence, { services: { web, api: { ...api, registrations: 9 } } });
    const after = await coordination.loadMemory();
    expect(after.find(({ key }) => key.endsWith("web"))).toEqual(before.find(({ key }) => key.endsWith("web")));
    expect(after.find(({ key }) => key.endsWith("api"))).not.toEqual(before.find(({ key }) => key.endsWith("api")));
  });

  it("writes what is committed at the same time in one transaction", async () => {
    const { clock, consul, fence, open } = await aPlace();
    const memory = open();
    const names = Array.from({ length: 50 }, (_, n) => `s${n}`);
    const reasons = await Promise.all(
      names.map((name) => memory.commit(fence, { services: { [name]: aService(clock.steadyMs()) } })),
    );
    expect(reasons).toEqual(names.map(() => null));
    expect(consul.transactions()).toBe(1);
    expect(Object.keys(memory.view().services)).toHaveLength(50);
  });

  it("forgets a service", async () => {
    const { clock, fence, open, keys } = await aPlace();
    const memory = open();
    await memory.commit(fence, { services: { web: aService(clock.steadyMs()) } });
    await memory.commit(fence, { services: { web: null, never: null } });
    expect(memory.view().services).toEqual({});
    expect(await keys()).toEqual([]);
  });

  it("keeps healthy slots short, so that a service of a thousand fits", async () => {
    const { clock, fence, open, coordination } = await aPlace();
    const memory = open();
    const slots = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [
        n + 1,
        {
          ...noSlotMemory,
          generation: 12,
          host: `host-${n}`,
          specHash: "0123456789abcdef",
          healthySinceMs: clock.steadyMs(),
        },
      ]),
    );
    expect(await memory.commit(fence, { services: { web: aService(0, { slots }) } })).toBeNull();
    const [entry] = await coordination.loadMemory();
    expect(entry!.text.length).toBeLessThan(120_000);
    const again = open();
    await again.load();
    expect(again.view().services["web"]!.slots).toEqual(slots);
  });

  it("refuses an entry that Consul could not take, and says which", async () => {
    const { fence, open, keys } = await aPlace();
    const memory = open();
    const redis = { big: "x".repeat(300_000) };
    expect(await memory.commit(fence, { services: { web: aService(0, { redis }) } })).toMatch(
      /^memory\/services\/web would be larger than Consul takes: 300\d\d\d characters$/,
    );
    expect(await keys()).toEqual([]);
  });

  it("bounds what grows with time", async () => {
    const { clock, fence, open } = await aPlace();
    const memory = open();
    const failuresAtMs = Array.from({ length: 5_000 }, (_, n) => n);
    const slot = { ...noSlotMemory, failuresAtMs, backOff: { delayMs: 1, untilMs: 2, because: "y".repeat(10_000) } };
    const stopsAtMs = Array.from({ length: 50_000 }, (_, n) => n);
    await memory.commit(fence, {
      services: { web: aService(0, { slots: { 1: slot } }) },
      fleet: { ...noFleetMemory, stopsAtMs },
    });
    await memory.load();
    const { services, fleet } = memory.view();
    expect(services["web"]!.slots[1]!.failuresAtMs).toEqual(failuresAtMs.slice(-100));
    expect(services["web"]!.slots[1]!.backOff!.because).toHaveLength(300);
    expect(fleet.stopsAtMs).toEqual(stopsAtMs.slice(-1_000));
    expect(clock.steadyMs()).toBe(1_000_000);
  });

  describe("is only written within the lock", () => {
    it("refuses a fence that has lapsed, without asking Consul", async () => {
      const { consul, open } = await aPlace();
      const memory = open();
      expect(await memory.commit(noFence("no leader"), { services: { web: aService(0) } })).toBe(
        "leadership was lost before Memory was written",
      );
      expect(consul.transactions()).toBe(0);
      expect(memory.view().services).toEqual({});
    });

    it("refuses when Consul has given the key to somebody else", async () => {
      const { consul, fence, open, keys } = await aPlace();
      const memory = open();
      consul.destroySession(fence.lease!.sessionId);
      expect(await memory.commit(fence, { services: { web: aService(0) } })).toMatch(/another heal may lead/);
      expect(memory.view().services).toEqual({});
      expect(await keys()).toEqual([]);
    });

    it("reads anew, and has the pass planned again, when somebody changed a key by hand", async () => {
      const { consul, clock, fence, open, coordination } = await aPlace();
      const memory = open();
      await memory.commit(fence, { services: { web: aService(clock.steadyMs()) } });
      const [entry] = await coordination.loadMemory();
      consul.writeKey("live", entry!.key, entry!.text.replace('"registrations":2', '"registrations":7'));
      expect(await memory.commit(fence, { services: { web: aService(0) } })).toMatch(
        /changed by somebody else \(memory\/services\/web\)/,
      );
      expect(memory.view().services["web"]!.registrations).toBe(7);
      expect(await memory.commit(fence, { services: { web: aService(0) } })).toBeNull();
    });
  });

  describe("whose write was not answered", () => {
    it("is not believed written, and goes on from what is there when it was", async () => {
      const { consul, clock, fence, open } = await aPlace();
      const memory = open();
      consul.loseNextAnswer();
      const first = aService(clock.steadyMs());
      expect(await memory.commit(fence, { services: { web: first } })).toBe(
        "Memory was not written: the answer was lost",
      );
      expect(memory.view().services).toEqual({});
      expect(await memory.commit(fence, { services: { web: { ...first, registrations: 5 } } })).toBeNull();
      expect(memory.view().services["web"]!.registrations).toBe(5);
    });

    it("goes on likewise when it was not", async () => {
      const { consul, clock, fence, open } = await aPlace();
      const memory = open();
      consul.fail(new RegistryError("unreachable", "no route"));
      expect(await memory.commit(fence, { services: { web: aService(clock.steadyMs()) } })).toBe(
        "Memory was not written: no route",
      );
      consul.fail(null);
      expect(await memory.commit(fence, { services: { web: aService(clock.steadyMs()) } })).toBeNull();
    });

    it("has the pass planned again when somebody else wrote meanwhile", async () => {
      const { consul, clock, fence, open } = await aPlace();
      const memory = open();
      await memory.commit(fence, { services: { web: aService(clock.steadyMs()) } });
      consul.loseNextAnswer();
      await memory.commit(fence, { services: { web: { ...aService(clock.steadyMs()), registrations: 4 } } });
      consul.deleteKey("live", "memory/services/web");
      expect(await memory.commit(fence, { services: { web: aService(0) } })).toMatch(/changed by somebody else/);
      expect(memory.view().services).toEqual({});
    });
  });

  describe("of another process", () => {
    it("comes with its delays restarted from when it was written, on this process's clock", async () => {
      const { clock, fence, open } = await aPlace();
      const t = clock.steadyMs();
      const web = aService(t, {
        slots: {
          1: {
            ...noSlotMemory,
            backOff: { delayMs: 40_000, untilMs: t + 40_000, because: "port taken" },
            failuresAtMs: [t - 30_000, t - 10_000],
            quarantinedAtMs: t - 1_000,
          },
        },
        inFlight: [
          {
            kind: "stop",
            slot: null,
            generation: null,
            host: null,
            subject: "c1",
            sinceMs: t - 100,
            expiresAtMs: t + 59_900,
          },
        ],
        notPassingSinceMs: { c1: t - 7_000 },
        surplusSinceMs: t - 3_000,
        backOff: { delayMs: 10_000, untilMs: t + 10_000, because: "refused" },
      });
      const fleet = {
        ...noFleetMemory,
        stopsAtMs: [t - 2_000],
        frozenSinceMs: t - 4_000,
        lostHosts: { h2: t - 6_000 },
      };
      await open().commit(fence, { services: { web }, fleet });

      await clock.advance(35_000);
      const later = open();
      await later.load();
      const now = t + 35_000;
      expect(later.view()).toEqual({
        services: {
          web: {
            ...web,
            slots: {
              1: {
                ...noSlotMemory,
                backOff: { delayMs: 40_000, untilMs: now + 40_000, because: "port taken" },
                failuresAtMs: [now - 30_000, now - 10_000],
                quarantinedAtMs: now - 1_000,
              },
            },
            inFlight: [{ ...web.inFlight[0], sinceMs: now - 100, expiresAtMs: now + 59_900 }],
            statusSinceMs: now - 1_000,
            // Nobody looked in between, so that it may have been well.
            notPassingSinceMs: { c1: now },
            surplusSinceMs: now - 3_000,
            backOff: { delayMs: 10_000, untilMs: now + 10_000, because: "refused" },
          },
        },
        fleet: { ...fleet, stopsAtMs: [now - 2_000], frozenSinceMs: now - 4_000, lostHosts: { h2: now - 6_000 } },
      });
    });

    it("keeps a person's pause to the time of day that was meant, and never makes it longer", async () => {
      const { clock, fence, open } = await aPlace();
      const t = clock.steadyMs();
      const pause = { sinceMs: t, untilMs: t + 3_600_000, why: "upgrade" };
      const forever = { sinceMs: t, untilMs: null, why: "until told otherwise" };
      await open().commit(fence, { services: { web: aService(t, { pause }), api: aService(t, { pause: forever }) } });
      await clock.advance(3_000_000);
      const later = open();
      await later.load();
      const now = clock.steadyMs();
      expect(later.view().services["web"]!.pause).toEqual({ sinceMs: now, untilMs: now + 600_000, why: "upgrade" });
      expect(later.view().services["api"]!.pause).toEqual({ sinceMs: now, untilMs: null, why: "until told otherwise" });

      clock.moveWall(-24 * 3_600_000);
      const wrongDay = open();
      await wrongDay.load();
      expect(wrongDay.view().services["web"]!.pause!.untilMs).toBe(now + 3_600_000);
    });

    it("stays as it is in Consul until it changes here", async () => {
      const { clock, consul, fence, open } = await aPlace();
      await open().commit(fence, { services: { web: aService(clock.steadyMs()) } });
      await clock.advance(10_000);
      const later = open();
      await later.load();
      const transactions = consul.transactions();
      await later.commit(fence, { services: later.view().services });
      expect(consul.transactions()).toBe(transactions);
    });
  });

  describe("that cannot be read", () => {
    const spoilt = {
      "not JSON": "{{",
      "no envelope": '{"slots":{}}',
      null: "null",
      "a wrong type inside": '{"version":1,"by":"x","atMs":5,"value":{"slots":{"1":{"generation":"three"}}}}',
      "an unknown kind": '{"version":1,"by":"x","atMs":5,"value":{"binding":{"kind":"kubernetes"}}}',
      "a newer heal's": '{"version":2,"by":"x","atMs":5,"value":{}}',
      "a list": '{"version":1,"by":"x","atMs":5,"value":[]}',
    };

    for (const [what, text] of Object.entries(spoilt)) {
      it(`is set aside with its text, and its service is only looked at: ${what}`, async () => {
        const { clock, consul, coordination, fence, open, keys } = await aPlace();
        consul.writeKey("live", "memory/services/web", text);
        consul.writeKey("live", "memory/services/api", '{"version":1,"by":"x","atMs":5,"value":{"registrations":4}}');
        const memory = open();
        await memory.load();
        const { web, api } = memory.view().services;
        expect(web).toEqual({
          ...noServiceMemory,
          pause: {
            sinceMs: 1_000_000,
            untilMs: 1_060_000,
            why: expect.stringMatching(/^its memory was set aside: /) as string,
          },
        });
        expect(api!.registrations).toBe(4);
        expect(memory.setAside()).toEqual([
          { key: "memory/services/web", reason: expect.any(String) as string, sinceMs: 1_000_000 },
        ]);
        // Reading alone changes nothing: a dry run reads, too.
        expect(await keys()).toEqual(["memory/services/api", "memory/services/web"]);

        await clock.advance(1_000);
        expect(await memory.commit(fence, {})).toBeNull();
        const copy = "set-aside/memory/services/web/1970-01-01T00:16:41.000Z";
        expect(await keys()).toEqual(["memory/services/api", "memory/services/web", copy]);
        expect((await coordination.loadMemory("set-aside/"))[0]!.text).toBe(text);
        // The hold outlives this process.
        const next = open();
        await next.load();
        expect(next.view().services["web"]!.pause).not.toBeNull();
        expect(next.setAside().map(({ key }) => key)).toEqual([copy]);
      });
    }

    it("says that a newer heal wrote it", async () => {
      const { consul, open } = await aPlace();
      consul.writeKey("live", "memory/fleet", spoilt["a newer heal's"]);
      const memory = open();
      await memory.load();
      expect(memory.setAside()[0]).toMatchObject({
        key: "memory/fleet",
        reason: "it was written by a newer heal (version 2; this one reads up to 1)",
      });
      expect(memory.view().fleet).toEqual(noFleetMemory);
    });

    it("is set aside no more than five times per key", async () => {
      const { clock, consul, fence, open, coordination } = await aPlace();
      for (let time = 0; time < 8; time += 1) {
        consul.writeKey("live", "memory/services/web", `spoilt ${time}`);
        const memory = open();
        await memory.load();
        await memory.commit(fence, {});
        await clock.advance(1_000);
      }
      const texts = (await coordination.loadMemory("set-aside/")).map(({ text }) => text);
      expect(texts.toSorted()).toEqual([3, 4, 5, 6, 7].map((time) => `spoilt ${time}`));
    });

    it("leaves keys alone that it does not know", async () => {
      const { consul, fence, open, keys } = await aPlace();
      consul.writeKey("live", "memory/something-newer", "whatever");
      const memory = open();
      await memory.load();
      await memory.commit(fence, { services: { web: aService(0) } });
      expect(await keys()).toEqual(["memory/services/web", "memory/something-newer"]);
      expect(memory.setAside()).toEqual([]);
    });
  });

  it("keeps its view when it cannot be loaded", async () => {
    const { consul, clock, fence, open } = await aPlace();
    const memory = open();
    await memory.commit(fence, { services: { web: aService(clock.steadyMs()) } });
    consul.fail(new RegistryError("denied", "Permission denied"));
    await expect(memory.load()).rejects.toMatchObject({ kind: "denied" });
    expect(Object.keys(memory.view().services)).toEqual(["web"]);
  });

  it("does not lose a service called like a part of JavaScript", async () => {
    const { clock, fence, open } = await aPlace();
    const memory = open();
    const services = Object.fromEntries(["__proto__", "constructor"].map((name) => [name, aService(clock.steadyMs())]));
    expect(await memory.commit(fence, { services })).toBeNull();
    await memory.load();
    expect(Object.keys(memory.view().services).toSorted()).toEqual(["__proto__", "constructor"]);
  });
});
