import { describe, expect, it } from "vitest";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";

describe("remove-superseded", () => {
  const returned = aWorld()
    .withService("web", { count: 1 })
    .withInstance("web", 1, { on: "h1", generation: 1 })
    .withInstance("web", 1, { on: "h2", generation: 2 })
    .withSlot("web", 1, { generation: 2, host: "h2" });

  it("removes what a lost host brings back, after one consistent look", () => {
    expect(does(returned.plan())).toEqual([]);
    expect(returned.plan().plan.services["web"]?.needsLook).toBe("consistent");
    expect(does(returned.looked().plan())).toEqual([
      "stop web.1.1 on h1, deregistering on h1-node (remove-superseded)",
    ]);
  });

  it("calls that neither surplus nor more than is healthy", () => {
    expect(summary(returned.plan())).toBe("passing: 1/1 healthy");
    expect(returned.plan().plan.services["web"]?.standing).toMatchObject({ healthy: 1, surplus: 0 });
  });

  it("gives who is routed there a second to go elsewhere", () => {
    const [stop] = returned.looked().plan().plan.services["web"]?.waves.flat() ?? [];
    expect(stop).toMatchObject({ drainMs: 1_000, graceMs: 2_000 });
  });

  it("keeps the one that is healthy while its successor is not", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 1 })
      .withInstance("web", 1, { on: "h2", generation: 2, forMs: 1_000, consul: "critical" });
    expect(does(world.looked().plan())).toEqual([]);
  });

  it("removes one of two doubles, and keeps the one that Memory knows", () => {
    const doubles = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { on: "h1" })
      .withInstance("web", 1, { on: "h2" })
      .looked();
    const on = (host: string) => does(doubles.withSlot("web", 1, { generation: 1, host }).plan());
    expect(on("h1")).toEqual(["stop web.1.1 on h2, deregistering on h2-node (remove-superseded)"]);
    expect(on("h2")).toEqual(["stop web.1.1 on h1, deregistering on h1-node (remove-superseded)"]);
  });

  it("leaves what cannot be seen", () => {
    const world = returned.withSilentHost("h1", T0 - 1_000).looked();
    expect(does(world.plan())).toEqual([]);
  });

  it("leaves what a person has put in maintenance until that ends", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 1, consul: "maintenance" })
      .withInstance("web", 1, { on: "h2", generation: 2 })
      .looked();
    expect(does(world.plan())).toEqual([]);
    expect(holds(world.plan())).toEqual(["remove-superseded: in-maintenance"]);
  });

  it("does not take back a registration that the successor has taken over on the same host", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 1, consul: "unlisted" })
      .withInstance("web", 1, { generation: 2 })
      .looked();
    expect(does(world.plan())).toEqual(["stop web.1.1 on h1 (remove-superseded)"]);
  });

  it("costs none of the budget", () => {
    const spent = returned.looked().withFleetMemory({ stopsAtMs: Array(10).fill(T0 - 1_000) });
    expect(does(spent.plan())).toHaveLength(1);
    expect(spent.plan().memory.fleet.stopsAtMs).toHaveLength(10);
  });
});
