import { describe, expect, it } from "vitest";
import { unknown } from "../../../src/model/known.ts";
import type { World } from "../../builders/world.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";

/** Every instance of so many services of three is critical in Consul and runs, for a minute now. */
function aSickFleet(sick: number, of: number): World {
  let world = aWorld().withHosts("h1", "h2", "h3");
  for (let number = 1; number <= of; number += 1) {
    const name = `s${number}`;
    const consul = number <= sick ? "critical" : "passing";
    world = world.withService(name, { count: 3 });
    const since: Record<string, number> = {};
    for (const slot of [1, 2, 3]) {
      world = world.withInstance(name, slot, { on: `h${slot}`, consul });
      if (consul === "critical") since[`${name}/${slot}/1@h${slot}`] = T0 - 60_000;
    }
    world = world.withMemory(name, { notPassingSinceMs: since });
  }
  return world.looked();
}

describe("pause", () => {
  const paused = (untilMs: number | null) =>
    aWorld()
      .withService("web", { count: 1 })
      .withMemory("web", { pause: { sinceMs: 0, untilMs, why: "migration" } });

  it("sees and says everything, and does nothing", () => {
    const planned = paused(null).plan();
    expect(does(planned)).toEqual([]);
    expect(planned.plan.services["web"]?.holds).toEqual([
      {
        service: "web",
        because: { rule: "start-missing", evidence: "slot 1 of 1 is empty: nothing runs in it" },
        heldBy: "paused",
        reason: "paused (migration); `heal resume web` ends it",
        untilMs: null,
      },
    ]);
    expect(summary(planned)).toBe("critical: 0/1 healthy: 1 missing");
  });

  it("ends by itself at its time, and is forgotten", () => {
    expect(does(paused(T0 + 1).plan())).toEqual([]);
    expect(paused(T0 + 1).plan().plan.services["web"]?.lookAgainAtMs).toBe(T0 + 1);
    const over = paused(T0).plan();
    expect(does(over)).toEqual(["start web.1.1 on h1 (start-missing)"]);
    expect(over.memory.services["web"]?.pause).toBeNull();
  });
});

describe("add-first", () => {
  const both = aWorld()
    .withService("web", { count: 2 })
    .withInstance("web", 1, { generation: 1 })
    .withInstance("web", 1, { generation: 2, on: "h2" })
    .looked();

  it("makes a service whole before it tidies it", () => {
    expect(does(both.plan())).toEqual(["start web.2.1 on h1 (start-missing)"]);
    expect(holds(both.plan())).toEqual(["remove-superseded: add-first"]);
  });

  it("fills what is missing before it replaces what is unhealthy", () => {
    const world = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1, { consul: "critical" })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 60_000 } });
    expect(does(world.plan())).toEqual(["start web.2.1 on h2 (start-missing)"]);
    expect(holds(world.plan())).toEqual(["replace-unhealthy: add-first"]);
  });

  it("tidies when nothing is added, though something is missing", () => {
    const waiting = { delayMs: 10_000, untilMs: T0 + 10_000, because: "it ended" };
    const world = both.withSlot("web", 2, { generation: 1, backOff: waiting });
    expect(does(world.plan())).toEqual(["stop web.1.1 on h1, deregistering on h1-node (remove-superseded)"]);
  });
});

describe("back-off of the service", () => {
  const refused = { delayMs: 20_000, untilMs: T0 + 15_000, because: "no space left on device" };
  const world = aWorld()
    .withService("web", { count: 2 })
    .withInstance("web", 1, { generation: 1 })
    .withInstance("web", 1, { generation: 2, on: "h2" })
    .withInstance("web", 2)
    .withMemory("web", { backOff: refused })
    .looked();

  it("keeps what was refused waiting, and says for how long and why", () => {
    const planned = world.plan();
    expect(does(planned)).toEqual([]);
    expect(planned.plan.services["web"]?.holds[0]).toMatchObject({
      heldBy: "back-off",
      reason: "the last try was refused (no space left on device); next try in 15 s",
      untilMs: T0 + 15_000,
    });
    expect(planned.plan.services["web"]?.lookAgainAtMs).toBe(T0 + 15_000);
    expect(does(world.after(15_000).plan())).toHaveLength(1);
  });

  it("does not keep starts waiting: they have their own", () => {
    const short = world.withService("web", { count: 1 }).withMemory("web", { backOff: refused });
    expect(does(short.plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
  });
});

describe("availability", () => {
  const trim = { surplus: { action: "trim", afterMs: 0 } } as const;
  const world = (maxUnavailable: number) =>
    aWorld()
      .withService("web", { count: 3, ...trim, healing: { unhealthyAfterMs: 1, lostAfterMs: 1, maxUnavailable } })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" })
      .withInstance("web", 3, { consul: "critical", forMs: 1_000 })
      .withInstance("web", null, { on: "h2" })
      .withMemory("web", { surplusSinceMs: 0 })
      .looked();

  it("stops no healthy one while the others are too few", () => {
    expect(does(world(0).plan())).toEqual([]);
    expect(holds(world(0).plan())).toEqual(["trim-surplus: availability"]);
  });

  it("stops one when the service can spare it", () => {
    expect(does(world(1).plan())).toEqual(["stop web-by-hand on h2, deregistering on h2-node (trim-surplus)"]);
  });
});

describe("trust", () => {
  const short = aWorld().withService("web", { count: 2 }).withInstance("web", 1);

  it("acts on a trusted picture", () => {
    expect(does(short.plan())).toHaveLength(1);
  });

  it("does nothing while Consul does not answer, and asks for no closer look at nothing", () => {
    const blind = short.seen("web", { registry: unknown("Consul: connection refused") }).plan();
    expect(does(blind)).toEqual([]);
    expect(holds(blind)).toEqual(["start-missing: blind"]);
    expect(blind.plan.services["web"]).toMatchObject({ needsLook: null, standing: { status: 3, trust: "blind" } });
    expect(summary(blind)).toBe("unknown: cannot tell: Consul: connection refused");
  });

  it("does nothing while no host answers", () => {
    const blind = short.withSilentHost("h1", T0 - 90_000, "critical").withSilentHost("h2", T0 - 90_000, "critical");
    expect(does(blind.plan())).toEqual([]);
    expect(summary(blind.plan())).toContain("cannot tell: no host of it answers");
  });

  it("does nothing while it is not known what runs the service", () => {
    const blind = short.seen("web", { binding: unknown("the Swarm managers do not answer") });
    expect(does(blind.plan())).toEqual([]);
    expect(summary(blind.plan())).toBe("unknown: cannot tell: the Swarm managers do not answer");
  });

  it("leaves Memory as it was while it is blind", () => {
    const world = short.withMemory("web", { notPassingSinceMs: { x: 1 }, registrations: 5 });
    const before = world.memory().services["web"];
    const after = world.seen("web", { registry: unknown("Consul has no leader") }).plan().memory.services["web"];
    expect(after).toEqual({ ...before, status: 3, statusSinceMs: T0 });
  });

  it("goes by Docker alone where nobody registers the service", () => {
    const local = aWorld()
      .withService("web", { count: 2, consul: null, health: null })
      .withInstance("web", 1)
      .seen("web", { registry: unknown("Consul: connection refused") });
    expect(does(local.plan())).toEqual(["start web.2.1 on h2 (start-missing)"]);
    expect(summary(local.plan())).toBe("critical: 1/2 healthy: 1 missing");
  });

  describe("when Consul suddenly lists nothing of what runs", () => {
    const empty = aWorld()
      .withService("web", { count: 3 })
      .withInstance("web", 1, { consul: "unlisted" })
      .withInstance("web", 2, { on: "h2", consul: "unlisted" })
      .seen("web", { registrationsBefore: 3 });

    it("suspects Consul: adds nothing, and asks for consistent looks", () => {
      const planned = empty.plan();
      expect(does(planned)).toEqual([]);
      expect(planned.plan.services["web"]).toMatchObject({
        needsLook: "consistent",
        standing: { status: 3, trust: "suspect" },
      });
      expect(summary(planned)).toBe(
        "unknown: 0/3 healthy: 1 missing, 2 running and not listed in Consul, not sure: Consul lists none of 2 running instances, though it listed 3 before",
      );
    });

    it("stays suspicious while too few looks agree", () => {
      expect(does(empty.looked().seen("web", { agreeingReads: 1 }).plan())).toEqual([]);
    });

    it("believes it when enough agree", () => {
      expect(does(empty.looked().plan())).toEqual([
        "register web.1.1 on h1 (register-unlisted)",
        "register web.2.1 on h2 (register-unlisted)",
        "start web.3.1 on h1 (start-missing)",
      ]);
    });

    it("goes on saying that it cannot tell for as long as Docker runs all of what Consul does not list", () => {
      const all = aWorld()
        .withService("web", { count: 2 })
        .withInstance("web", 1, { consul: "unlisted" })
        .withInstance("web", 2, { on: "h2", consul: "unlisted" });
      expect(summary(all.looked().plan())).toBe("unknown: 0/2 healthy: 2 running and not listed in Consul");
    });

    it("keeps what was listed before in mind as long as it is suspicious", () => {
      const world = empty.withMemory("web", { registrations: 3 });
      expect(world.plan().memory.services["web"]?.registrations).toBe(3);
      expect(world.looked().plan().memory.services["web"]?.registrations).toBe(0);
    });
  });

  it("judges an adopted service by Consul for as long as it was listed there", () => {
    const world = aWorld()
      .withService("web", { count: 1, consul: null, health: null, container: null })
      .withInstance("web", 1, { consul: "unlisted" })
      .seen("web", { registrationsBefore: 1 });
    expect(world.plan().plan.services["web"]?.standing.trust).toBe("suspect");
    const later = world.seen("web", { registrationsBefore: 0 });
    expect(summary(later.plan())).toBe("passing: 1/1 healthy");
  });
});

describe("checker-sick", () => {
  it("freezes what answers to bad health when most of the fleet turns critical at once", () => {
    const planned = aSickFleet(2, 3).plan();
    expect(does(planned)).toEqual([]);
    expect(holds(planned, "s1")).toContain("replace-unhealthy: checker-sick");
    expect(planned.memory.fleet.frozenSinceMs).toBe(T0);
  });

  it("keeps the time at which that began, and forgets it when it is over", () => {
    const first = aSickFleet(2, 3).plan();
    const second = aSickFleet(2, 3).after(9_000, first).plan();
    expect(second.memory.fleet.frozenSinceMs).toBe(T0);
    expect(aSickFleet(0, 3).after(20_000, second).plan().memory.fleet.frozenSinceMs).toBeNull();
  });

  it("does not freeze for half of the fleet", () => {
    const planned = aSickFleet(2, 4).plan();
    expect(planned.memory.fleet.frozenSinceMs).toBeNull();
    expect(does(planned)).toHaveLength(2);
  });

  it("does not freeze for one service that is all broken", () => {
    expect(aSickFleet(1, 1).plan().memory.fleet.frozenSinceMs).toBeNull();
  });

  it("does not freeze for two services of one instance each", () => {
    const two = aSickFleet(3, 3).withFleet({ instances: 2, runningButCritical: 2, servicesCritical: 2 });
    expect(two.plan().memory.fleet.frozenSinceMs).toBeNull();
  });

  it("still starts what is really missing", () => {
    const world = aSickFleet(2, 3).withService("api", { count: 1 });
    expect(does(world.plan())).toEqual(["start api.1.1 on h1 (start-missing)"]);
  });
});

describe("blast-radius", () => {
  it("lets as many services replace an instance as the budget has room for", () => {
    const planned = aSickFleet(5, 12).plan();
    expect(does(planned)).toHaveLength(5);
    expect(planned.memory.fleet.stopsAtMs).toEqual(Array(5).fill(T0));
  });

  it("counts replacements when they are decided, so that a sick checker cannot renew the fleet", () => {
    const spent = aSickFleet(5, 12).withFleetMemory({ stopsAtMs: Array(9).fill(T0 - 300_000) });
    const planned = spent.plan();
    expect(does(planned)).toHaveLength(1);
    expect(holds(planned, "s2")).toContain("replace-unhealthy: blast-radius");
    expect(planned.plan.services["s2"]?.lookAgainAtMs).toBe(T0 + 300_000);
  });

  it("has room again when the oldest have left the window", () => {
    const spent = aSickFleet(5, 12).withFleetMemory({ stopsAtMs: Array(10).fill(T0 - 300_000) });
    expect(does(spent.plan())).toEqual([]);
    expect(does(spent.after(299_999).plan())).toEqual([]);
    const later = spent.after(300_000).plan();
    expect(does(later)).toHaveLength(5);
    expect(later.memory.fleet.stopsAtMs).toHaveLength(5);
  });

  it("never allows more than a share of the fleet", () => {
    const spent = aSickFleet(5, 12)
      .withFleet({ instances: 20, runningButCritical: 0 })
      .withFleetMemory({ stopsAtMs: Array(5).fill(T0 - 1) });
    expect(does(spent.plan())).toHaveLength(1);
  });

  it("leaves a small fleet three", () => {
    const small = aSickFleet(1, 1).withFleet({ instances: 3 });
    expect(does(small.withFleetMemory({ stopsAtMs: [T0 - 2, T0 - 1] }).plan())).toHaveLength(1);
    expect(does(small.withFleetMemory({ stopsAtMs: [T0 - 3, T0 - 2, T0 - 1] }).plan())).toEqual([]);
  });

  it("does not throttle what is missing", () => {
    const world = aWorld()
      .withService("web", { count: 40 })
      .withFleetMemory({ stopsAtMs: Array(10).fill(T0 - 1) });
    expect(does(world.plan())).toHaveLength(40);
  });

  it("does not count registrations", () => {
    const unlisted = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { consul: "unlisted" }).looked();
    const spent = unlisted.withFleetMemory({ stopsAtMs: Array(10).fill(T0 - 1) });
    expect(does(spent.plan())).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
    expect(spent.plan().memory.fleet.stopsAtMs).toHaveLength(10);
  });

  it("does not count what other guards hold", () => {
    const world = aSickFleet(2, 12).withMemory("s1", { pause: { sinceMs: 0, untilMs: null, why: "" } });
    const spent = world.withFleetMemory({ stopsAtMs: Array(9).fill(T0 - 1) }).plan();
    expect(does(spent)).toEqual(["start s2.1.2 on h1 (replace-unhealthy)"]);
  });
});
