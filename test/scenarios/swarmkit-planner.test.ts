import { describe, expect, it } from "vitest";
import type { Planned } from "../../src/plan/plan.ts";
import type { World } from "../builders/world.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { does, holds, summary } from "../plan/support/say.ts";
import { aSwarmBinding } from "../builders/swarm.ts";

/** The starts of a plan have happened, and what they started passes. */
function started(world: World, planned: Planned): World {
  const starts = planned.plan.services["web"]?.waves.flat() ?? [];
  return starts.reduce(
    (one, action) =>
      action.kind === "start-instance"
        ? one.withInstance("web", action.slot, { on: action.host, generation: action.generation, forMs: 1_000 })
        : one,
    world.after(1_000, planned),
  );
}

describe("what SwarmKit's orchestrator is tested for, on the planner", () => {
  it("35: a service is created, grown from one to three and shrunk to one, and a deleted task comes back", () => {
    const one = aWorld().withService("web", { count: 1 });
    const created = one.plan();
    expect(does(created)).toEqual(["start web.1.1 on h1 (start-missing)"]);

    const three = aWorld().withService("web", { count: 3 }).withInstance("web", 1).after(0, created);
    const grown = three.plan();
    expect(does(grown)).toEqual(["start web.2.1 on h2 (start-missing)", "start web.3.1 on h1 (start-missing)"]);

    const shrunk = started(aWorld().withService("web", { count: 1 }).withInstance("web", 1), grown);
    expect(does(shrunk.looked().plan())).toEqual([]);
    expect(summary(shrunk.plan())).toBe("warning: 3/1 healthy: 2 more than asked for");

    const deleted = aWorld().withService("web", { count: 1 }).withSlot("web", 1, { generation: 1, host: "h1" });
    expect(does(deleted.plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
  });

  it("36: what is too many goes by what runs least well, and spreads what is left", () => {
    const trim = { surplus: { action: "trim", afterMs: 0 } } as const;
    const world = aWorld()
      .withService("web", { count: 1, ...trim })
      .withInstance("web", 1, { on: "h1" })
      .withInstance("web", 2, { on: "h2" })
      .withInstance("web", 3, { on: "h2", consul: "critical", forMs: 1_000 })
      .withMemory("web", { surplusSinceMs: 0 })
      .looked();
    expect(does(world.plan())).toEqual([
      "stop web.3.1 on h2, deregistering on h2-node (trim-surplus)",
      "stop web.2.1 on h2, deregistering on h2-node (trim-surplus)",
    ]);
  });

  it("37: instances of a host that is down move, those of one that nobody can judge stay", () => {
    const web = aWorld()
      .withHosts("h1", "h2", "h3")
      .withService("web", { count: 3 })
      .withInstance("web", 1, { on: "h1" })
      .withInstance("web", 2, { on: "h2" })
      .withInstance("web", 3, { on: "h3" })
      .withSlot("web", 2, { generation: 1, host: "h2" })
      .withSlot("web", 3, { generation: 1, host: "h3" });
    const both = web.withSilentHost("h2", T0 - 60_000, "critical").withSilentHost("h3", T0 - 60_000, "passing");
    expect(does(both.plan())).toEqual(["start web.2.2 on h1 (start-missing)"]);
    expect(holds(both.plan())).toEqual(["start-missing: silent-host"]);
  });

  it("38: a controller that starts anew repairs what it finds, with no memory of it", () => {
    const found = aWorld()
      .withService("web", { count: 3 })
      .withInstance("web", 1, { generation: 4 })
      .withInstance("web", 2, { generation: 7, state: "exited" })
      .withInstance("web", 2, { generation: 6, state: "exited", on: "h2" })
      .withInstance("web", 3, { generation: 2, state: "created", on: "h2" });
    expect(does(found.plan())).toEqual(["start web.2.8 on h2 (start-missing)", "start web.3.2 on h2 (start-missing)"]);
  });

  it("39: a delay that runs is kept by the controller that comes after", () => {
    const waiting = { delayMs: 40_000, untilMs: T0 + 30_000, because: "it ended with exit code 1" };
    const dead = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited" })
      .withSlot("web", 1, { generation: 1, backOff: waiting });
    const reread = dead.withMemory("web", JSON.parse(JSON.stringify(dead.memory().services["web"] ?? {})));
    expect(does(reread.plan())).toEqual([]);
    expect(does(reread.after(29_999).plan())).toEqual([]);
    expect(does(reread.after(30_000).plan())).toHaveLength(1);
  });

  it.each([
    ["40: one that ended without an error is started again as well", 0],
    ["40: one that failed is started again", 137],
  ])("%s", (_name, exitCode) => {
    const ended = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { state: "exited", exitCode });
    expect(does(ended.plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
  });

  it("41–42: so many failures within the window are the most, and older ones do not count", () => {
    const failing = (...agoMs: readonly number[]) =>
      aWorld()
        .withService("web", { count: 1 })
        .withInstance("web", 1, { state: "exited" })
        .withSlot("web", 1, { generation: 1, host: "h1", failuresAtMs: agoMs.map((ms) => T0 - ms) })
        .plan().memory.services["web"]?.slots[1];
    expect(failing(4, 3, 2, 1)?.quarantinedAtMs).toBe(T0);
    expect(failing(600_000, 3, 2, 1)?.quarantinedAtMs).toBeNull();
  });

  it("49: a host on which an instance keeps failing is avoided", () => {
    const failed = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited", generation: 5 })
      .withSlot("web", 1, { generation: 5, host: "h1", failedHosts: ["h1", "h1", "h1", "h1"] });
    expect(does(failed.plan())).toEqual(["start web.1.6 on h2 (start-missing)"]);
  });

  it("67: a service is not scaled in the middle of an update, which would mix versions", () => {
    const updating = aWorld()
      .withService("web", { count: 3, runtime: null, container: null, health: null, consul: null })
      .withBinding("web", aSwarmBinding({ version: 3, replicas: 2, updating: true }));
    expect(does(updating.plan())).toEqual([]);
    expect(holds(updating.plan())).toEqual(["scale-swarm: updating"]);
  });
});
