import { describe, expect, it } from "vitest";
import type { World } from "../builders/world.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { aSwarmBinding } from "../builders/swarm.ts";

function slots(world: World) {
  return world.plan().memory.services["web"]?.slots ?? {};
}

describe("what a look leaves in Memory", () => {
  it("is where each slot runs, in which generation, and since when it is healthy", () => {
    const world = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { generation: 4, on: "h2" });
    expect(slots(world)[1]).toMatchObject({ generation: 4, host: "h2", confirmed: true, healthySinceMs: T0 });
    const later = world.after(5_000, world.plan());
    expect(slots(later)[1]?.healthySinceMs).toBe(T0);
  });

  it("is the newest generation that was ever meant, whatever older one is seen", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 2 })
      .withSlot("web", 1, { generation: 5, confirmed: false, host: "h2" });
    expect(slots(world)[1]).toMatchObject({ generation: 5, confirmed: false, host: "h2", healthySinceMs: T0 });
  });

  it("is where an older one runs while the newest that was meant does not: simulator seeds 960140, 960545", () => {
    const refused = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 4, on: "h1" })
      .withSlot("web", 1, { generation: 5, host: null, confirmed: false });
    expect(slots(refused)[1]).toMatchObject({ generation: 5, host: null, olderHost: "h1" });
    const gone = refused.withSlot("web", 1, { generation: 5, host: "h2" });
    expect(slots(gone)[1]).toMatchObject({ generation: 5, host: "h2", olderHost: "h1" });
    expect(slots(gone.withInstance("web", 1, { generation: 5, on: "h2" }))[1]?.olderHost).toBeNull();
  });

  it("is that no longer once its host answers and shows nothing of it", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withHosts("h1", "h2")
      .withSlot("web", 1, { generation: 5, host: "h2", olderHost: "h1" });
    expect(slots(world.withSilentHost("h1", T0 - 1_000))[1]?.olderHost).toBe("h1");
    expect(slots(world)[1]?.olderHost).toBeNull();
  });

  it("goes by what is seen, not by what is hidden", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 3, on: "h2" })
      .withInstance("web", 1, { generation: 2, on: "h1" })
      .withSlot("web", 1, { generation: 2, host: "h1" })
      .withSilentHost("h2", T0 - 1_000);
    expect(slots(world)[1]).toMatchObject({ generation: 2, host: "h1" });
  });

  it("goes by the one of two doubles that counts", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { on: "h1", consul: "critical" })
      .withInstance("web", 1, { on: "h2" });
    expect(slots(world)[1]?.host).toBe("h2");
  });

  it("keeps no slot beyond the count of which nothing is left, unless its host may bring it back", () => {
    const lowered = aWorld().withService("web", { count: 0 }).withSlot("web", 3, { generation: 2, host: "h2" });
    expect(Object.keys(slots(lowered))).toEqual([]);
    expect(Object.keys(slots(lowered.withInstance("web", 3, { on: "h2" })))).toEqual(["3"]);
    expect(Object.keys(slots(lowered.withSilentHost("h2", T0 - 1_000)))).toEqual(["3"]);
  });

  it("is since when each instance has not been passing, for as long as it is not", () => {
    const world = aWorld()
      .withService("web", { count: 3 })
      .withInstance("web", 1, { consul: "critical" })
      .withInstance("web", 2, { on: "h2", consul: "unlisted" })
      .withInstance("web", 3, { on: "h2" })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": 7, "web/3/1@h2": 8, gone: 9 } });
    expect(world.plan().memory.services["web"]?.notPassingSinceMs).toEqual({ "web/1/1@h1": 7, "web/2/1@h2": T0 });
  });

  it("still is while its host does not answer", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { consul: "critical" })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": 7 } })
      .withSilentHost("h1", T0 - 1_000);
    expect(world.plan().memory.services["web"]?.notPassingSinceMs).toEqual({ "web/1/1@h1": 7 });
  });

  it("is how many were listed, as long as that can be trusted", () => {
    const world = aWorld().withService("web", { count: 2 }).withInstance("web", 1).withInstance("web", 2, { on: "h2" });
    expect(world.plan().memory.services["web"]?.registrations).toBe(2);
  });

  it("is since when the status is what it is", () => {
    const short = aWorld().withService("web", { count: 1 });
    const first = short.plan();
    expect(first.memory.services["web"]).toMatchObject({ status: 2, statusSinceMs: T0 });
    const second = short.after(9_000, first).plan();
    expect(second.memory.services["web"]).toMatchObject({ status: 2, statusSinceMs: T0 });
    const well = short.after(9_000, first).withInstance("web", 1).plan();
    expect(well.memory.services["web"]).toMatchObject({ status: 0, statusSinceMs: T0 + 9_000 });
  });

  it("is what ran an adopted service, without what moves with every touch", () => {
    const world = (version: number, replicas: number) =>
      aWorld()
        .withService("web", { runtime: null, container: null, health: null, consul: null })
        .withBinding("web", aSwarmBinding({ version, replicas, updating: version > 5 }));
    const first = world(5, 2).plan();
    const second = world(6, 2).after(0, first).plan();
    expect(first.memory.services["web"]?.binding).toMatchObject({ kind: "swarm", id: "s1" });
    expect(second.memory.services["web"]?.binding).toBe(first.memory.services["web"]?.binding);
  });
});
