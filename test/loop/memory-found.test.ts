import { describe, expect, it } from "vitest";
import { noFleetMemory, noServiceMemory, noSlotMemory } from "../../src/model/memory.ts";
import { aPlace, aService } from "./support/memory-place.ts";

describe("Memory of another process", () => {
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

describe("Memory that cannot be read", () => {
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
