import { describe, expect, it } from "vitest";
import { noFence } from "../../src/loop/fence.ts";
import { noFleetMemory, noSlotMemory } from "../../src/model/memory.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { aPlace, aService } from "./support/memory-place.ts";

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

  it("knows what is written already", async () => {
    const { clock, fence, open } = await aPlace();
    const memory = open();
    const web = aService(clock.steadyMs());
    expect(memory.holds({})).toBe(true);
    expect(memory.holds({ services: { web } })).toBe(false);
    await memory.commit(fence, { services: { web } });
    expect(memory.holds({ services: { web } })).toBe(true);
    expect(memory.holds({ services: { web: null } })).toBe(false);
    expect(memory.holds({ fleet: { ...noFleetMemory, stopsAtMs: [1] } })).toBe(false);
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
