import { describe, expect, it } from "vitest";
import type { Service } from "../../../src/model/service.ts";
import { aTemplate } from "../../builders/template.ts";
import type { InstanceFacts, World } from "../../builders/world.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";
import { aSwarmBinding, type SwarmBinding } from "../../builders/swarm.ts";

const adopted = { runtime: null, container: null, health: null, consul: null, specHash: null } as const;

const swarm = (changes: Partial<SwarmBinding> = {}): SwarmBinding =>
  aSwarmBinding({ version: 42, replicas: 2, ...changes });

function task(number: number, facts: InstanceFacts = {}): InstanceFacts {
  const container = { id: `task-${number}`, name: `web.${number}`, service: null, swarmServiceName: "web" };
  return { ...facts, container: { ...container, ...facts.container } };
}

/** A Swarm service with two healthy tasks. */
function aSwarmWorld(binding: SwarmBinding, changes: Partial<Service> = {}): World {
  return aWorld()
    .withService("web", { ...adopted, ...changes })
    .withBinding("web", binding)
    .withInstance("web", null, task(1))
    .withInstance("web", null, task(2, { on: "h2" }));
}

describe("scale-swarm", () => {
  it("leaves alone what has its replicas", () => {
    const planned = aSwarmWorld(swarm()).plan();
    expect(does(planned)).toEqual([]);
    expect(holds(planned)).toEqual([]);
    expect(summary(planned)).toBe("passing: 2/2 healthy");
  });

  it("corrects a wrong number, naming the version it was read with", () => {
    const planned = aSwarmWorld(swarm({ replicas: 1 }))
      .without("web")
      .withInstance("web", null, task(1))
      .plan();
    expect(does(planned)).toEqual(["scale Swarm service s1@42 from 1 to 2 (scale-swarm)"]);
  });

  it("does not tell Swarm twice while the first is on its way", () => {
    const short = aSwarmWorld(swarm({ replicas: 1 }));
    const first = short.plan();
    const second = short.after(1_000, first).plan();
    expect(does(second)).toEqual([]);
    expect(holds(second)).toEqual(["scale-swarm: in-flight"]);
    const done = aSwarmWorld(swarm({ replicas: 2, version: 43 }))
      .after(1_000, first)
      .plan();
    expect(done.memory.services["web"]?.inFlight).toEqual([]);
  });

  it("does not scale in the middle of an update", () => {
    expect(holds(aSwarmWorld(swarm({ replicas: 1, updating: true })).plan())).toEqual(["scale-swarm: updating"]);
  });

  it("leaves missing tasks to Swarm, and says so", () => {
    const one = aSwarmWorld(swarm()).without("web").withInstance("web", null, task(1));
    expect(does(one.plan())).toEqual([]);
    expect(holds(one.plan())).toEqual(["scale-swarm: swarm-at-work"]);
    expect(summary(one.plan())).toBe("critical: 1/2 healthy: 1 missing");
  });

  it("leaves a global service that runs enough to Swarm, whatever the number of its nodes", () => {
    const global = swarm({ mode: "global", replicas: 0 });
    for (const count of [1, 2]) {
      const planned = aSwarmWorld(global, { count }).plan();
      expect([does(planned), holds(planned), summary(planned)]).toEqual([[], [], `passing: 2/${count} healthy`]);
    }
  });

  it("says of a global service with too few nodes what a person can do", () => {
    const planned = aSwarmWorld(swarm({ mode: "global", replicas: 0 }), { count: 3 }).plan();
    expect([does(planned), holds(planned)]).toEqual([[], ["scale-swarm: global"]]);
    expect(summary(planned)).toBe("critical: 2/3 healthy: 1 missing");
    expect(planned.plan.services["web"]?.holds[0]?.reason).toMatch(/one task on each node .*: add nodes, or ask for/);
  });

  it("replaces a task of a global service that does not pass", () => {
    const sick = task(1, { health: "unhealthy" });
    const global = aSwarmWorld(swarm({ mode: "global", replicas: 0 }))
      .without("web")
      .withInstance("web", null, sick);
    const since = { notPassingSinceMs: { "task-1": T0 - 3_600_000 } };
    expect(does(global.withMemory("web", since).looked("web").plan())).toEqual([
      expect.stringMatching(/web\.1 .*\(replace-unhealthy\)$/),
    ]);
  });

  it("creates a service that has vanished from its template, once", () => {
    const gone = aWorld()
      .withService("web", { runtime: "swarm", container: aTemplate("web:1"), consul: null, health: null })
      .withBinding("web", { kind: "none", reason: "Swarm has no service called web" });
    const first = gone.plan();
    expect(does(first)).toEqual(["create Swarm service web with 2 (scale-swarm)"]);
    expect(holds(gone.after(1_000, first).plan())).toEqual(["scale-swarm: in-flight"]);
  });

  it("cannot create what has no template", () => {
    const gone = aWorld()
      .withService("web", { ...adopted, runtime: "swarm" })
      .withBinding("web", { kind: "none", reason: "Swarm has no service called web" });
    expect(does(gone.plan())).toEqual([]);
    expect(holds(gone.plan())).toEqual(["scale-swarm: no-template"]);
  });

  it("creates nothing for a count of 0", () => {
    const none = aWorld()
      .withService("web", { runtime: "swarm", count: 0 })
      .withBinding("web", { kind: "none", reason: "Swarm has no service called web" });
    expect(does(none.plan())).toEqual([]);
  });

  describe("with more replicas than asked for", () => {
    const more = (changes: Partial<Service>, binding = swarm({ replicas: 4 })) =>
      aSwarmWorld(binding, changes)
        .withInstance("web", null, task(3))
        .withInstance("web", null, task(4, { on: "h2" }))
        .withMemory("web", { surplusSinceMs: T0 - 60_000 })
        .looked();
    const trim = { surplus: { action: "trim", afterMs: 60_000 } } as const;

    it("alerts", () => {
      expect(does(more({}).plan())).toEqual([]);
      expect(summary(more({}).plan())).toBe("warning: 4/2 healthy: 2 more than asked for");
    });

    it("scales down where that is wanted", () => {
      expect(does(more(trim).plan())).toEqual(["scale Swarm service s1@42 from 4 to 2 (trim-surplus)"]);
      expect(more(trim).plan().memory.fleet.stopsAtMs).toEqual([T0, T0]);
    });

    it("does not trust Swarm to spare the healthy ones", () => {
      const shaky = aSwarmWorld(swarm({ replicas: 3 }), trim)
        .withInstance("web", null, task(3, { health: "unhealthy" }))
        .withMemory("web", { surplusSinceMs: T0 - 60_000 })
        .looked();
      expect(holds(shaky.plan())).toContain("trim-surplus: availability");
    });

    it("scales down no further than the budget allows", () => {
      const spent = more(trim).withFleetMemory({ stopsAtMs: [T0 - 2, T0 - 1] });
      expect(does(spent.plan())).toEqual(["scale Swarm service s1@42 from 4 to 3 (trim-surplus)"]);
    });

    it("does not call an update's extra tasks surplus", () => {
      expect(summary(more({}, swarm({ replicas: 2, updating: true })).plan())).toBe("passing: 4/2 healthy");
    });
  });

  describe("a task that is unhealthy", () => {
    const sick = (facts: InstanceFacts = {}) =>
      aSwarmWorld(swarm())
        .without("web")
        .withInstance("web", null, task(1, { health: "unhealthy", ...facts }))
        .withInstance("web", null, task(2, { on: "h2" }))
        .withMemory("web", { notPassingSinceMs: { "task-1": T0 - 60_000 } })
        .looked();

    it("is taken away, and Swarm starts another", () => {
      expect(does(sick().plan())).toEqual(["take away task web.1 on h1 (replace-unhealthy)"]);
    });

    it("is left where no engine of ours runs it", () => {
      expect(does(sick({ on: "node-7" }).plan())).toEqual([]);
      expect(holds(sick({ on: "node-7" }).plan())).toEqual(["replace-unhealthy: unreachable-host"]);
    });

    it("is forgotten as a failure when the service has been whole for ten minutes", () => {
      const failed = { failuresAtMs: [T0 - 1], backOff: { delayMs: 20_000, untilMs: T0, because: "x" } };
      const whole = (ms: number) =>
        aSwarmWorld(swarm())
          .withSlot("web", 0, { ...failed, healthySinceMs: T0 - ms })
          .plan().memory.services["web"]?.slots[0];
      expect(whole(599_999)).toMatchObject({ healthySinceMs: T0 - 599_999, failuresAtMs: [T0 - 1] });
      expect(whole(600_000)).toMatchObject({ failuresAtMs: [], backOff: null });
      const shaky = sick().withSlot("web", 0, { ...failed, healthySinceMs: 0 });
      expect(shaky.plan().memory.services["web"]?.slots[0]?.healthySinceMs).toBeNull();
    });

    it("is taken away again and again only with a back-off, and then with a quarantine", () => {
      let world = sick().withFleet({ instances: 100 });
      const takenAtS: number[] = [];
      for (let second = 0; second < 1_200; second += 1) {
        const planned = world.plan();
        if (does(planned).length > 0) takenAtS.push(second);
        // Swarm has brought another at once, and it is no better.
        const { inFlight: _inFlight, ...memory } = planned.memory.services["web"] ?? { inFlight: [] };
        world = world.after(1_000, planned).withMemory("web", { ...memory, inFlight: [] });
      }
      expect(takenAtS).toEqual([0, 10, 30, 70, 150, 750]);
    });
  });
});
