import { describe, expect, it } from "vitest";
import { aWorld, T0 } from "../builders/world.ts";
import { does, holds, summary } from "../plan/support/say.ts";

describe("what Nomad's reconciler is tested for, on the planner", () => {
  it("51: only the missing indexes are placed, each under its own", () => {
    const world = aWorld()
      .withService("web", { count: 5 })
      .withInstance("web", 1)
      .withInstance("web", 3, { on: "h2" })
      .withInstance("web", 5);
    expect(does(world.plan())).toEqual(["start web.2.1 on h2 (start-missing)", "start web.4.1 on h1 (start-missing)"]);
  });

  describe("52: scaling down", () => {
    it("leaves the lower indexes", () => {
      const world = aWorld()
        .withService("web", { count: 1, surplus: { action: "trim", afterMs: 0 } })
        .withInstance("web", 1)
        .withInstance("web", 2, { on: "h2" })
        .withInstance("web", 3)
        .withMemory("web", { surplusSinceMs: 0 })
        .looked();
      expect(does(world.plan()).map((line) => line.slice(0, 12))).toEqual(["stop web.3.1", "stop web.2.1"]);
    });

    it("to zero takes all of them, where that is opted into", () => {
      const world = aWorld()
        .withService("web", { count: 0, surplus: { action: "trim", afterMs: 0 } })
        .withInstance("web", 1)
        .withInstance("web", 2, { on: "h2" })
        .withMemory("web", { surplusSinceMs: 0 })
        .looked();
      expect(does(world.plan())).toHaveLength(2);
      expect(does(world.after(0, world.plan()).plan())).toEqual([]);
    });

    it("keeps one of two with the same name, and it is not surplus", () => {
      const world = aWorld()
        .withService("web", { count: 1 })
        .withInstance("web", 1, { on: "h1" })
        .withInstance("web", 1, { on: "h2" })
        .withSlot("web", 1, { generation: 1, host: "h2" })
        .looked();
      expect(does(world.plan())).toEqual(["stop web.1.1 on h1, deregistering on h1-node (remove-superseded)"]);
      expect(summary(world.plan())).toBe("passing: 1/1 healthy");
    });
  });

  describe("53: a node is lost while the service is scaled", () => {
    const lost = (count: number) =>
      aWorld()
        .withHosts("h1", "h2", "h3")
        .withService("web", { count })
        .withInstance("web", 1, { on: "h1" })
        .withInstance("web", 2, { on: "h2" })
        .withInstance("web", 3, { on: "h3" })
        .withSlot("web", 1, { generation: 1, host: "h1" })
        .withSlot("web", 2, { generation: 1, host: "h2" })
        .withSlot("web", 3, { generation: 1, host: "h3" })
        .withSilentHost("h2", T0 - 60_000, "critical");

    it("up: what was lost and what is new are both placed", () => {
      expect(does(lost(4).plan())).toEqual([
        "start web.2.2 on h1 (start-missing)",
        "start web.4.1 on h3 (start-missing)",
      ]);
    });

    it("down: what was lost is not replaced when what is left is enough", () => {
      expect(does(lost(2).plan())).toEqual([]);
      expect(summary(lost(2).plan())).toBe("passing: 2/2 healthy");
    });
  });

  it("54: what moves because its host is gone is not counted as a failure", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1)
      .withSlot("web", 1, { generation: 1, host: "h1", failuresAtMs: [T0 - 1] })
      .withSilentHost("h1", T0 - 60_000, "critical");
    const planned = world.plan();
    expect(does(planned)).toEqual(["start web.1.2 on h2 (start-missing)"]);
    expect(planned.memory.services["web"]?.slots[1]).toMatchObject({ failuresAtMs: [T0 - 1], backOff: null });
  });

  it("58: the next step waits for the number that is healthy now, not for what was started", () => {
    const world = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1, { consul: "critical" })
      .withInstance("web", 1, { generation: 2, on: "h2", consul: "critical", forMs: 5_000 })
      .withInstance("web", 2, { on: "h2", consul: "critical" })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": 0, "web/2/1@h2": 0 } });
    expect(does(world.looked().plan())).toEqual([]);
    expect(holds(world.plan())).toEqual(["replace-unhealthy: one-at-a-time", "replace-unhealthy: one-at-a-time"]);
  });

  it("59: a slot that keeps failing stops nobody from replacing what was lost", () => {
    const world = aWorld()
      .withHosts("h1", "h2", "h3")
      .withService("web", { count: 2 })
      .withInstance("web", 1, { state: "exited" })
      .withInstance("web", 2, { on: "h2" })
      .withSlot("web", 1, {
        generation: 5,
        host: "h1",
        quarantinedAtMs: T0 - 1,
        backOff: { delayMs: 600_000, untilMs: T0 + 599_999, because: "it ended" },
      })
      .withSlot("web", 2, { generation: 1, host: "h2" })
      .withSilentHost("h2", T0 - 60_000, "critical");
    expect(does(world.plan())).toEqual(["start web.2.2 on h1 (start-missing)"]);
    expect(holds(world.plan())).toEqual(["start-missing: quarantine"]);
  });

  describe("61: a disconnected node comes back", () => {
    const gone = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { on: "h1" })
      .withSlot("web", 1, { generation: 1, host: "h1" });

    it("before it was given up: nothing has happened", () => {
      const short = gone.withSilentHost("h1", T0 - 20_000, "critical");
      expect(does(short.plan())).toEqual([]);
      expect(does(gone.after(5_000, short.plan()).plan())).toEqual([]);
    });

    it("while its replacement starts: both stay until that is healthy", () => {
      const back = gone.withInstance("web", 1, { on: "h2", generation: 2, consul: "critical", forMs: 1_000 });
      expect(does(back.looked().plan())).toEqual([]);
    });

    it("after its replacement is healthy: the one that was given up goes", () => {
      const back = gone.withInstance("web", 1, { on: "h2", generation: 2 });
      expect(does(back.looked().plan())).toEqual(["stop web.1.1 on h1, deregistering on h1-node (remove-superseded)"]);
    });

    it("with a replacement that never became healthy: the replacement goes", () => {
      const back = gone
        .withInstance("web", 1, { on: "h2", generation: 2, consul: "critical" })
        .withMemory("web", { notPassingSinceMs: { "web/1/2@h2": T0 - 60_000 } });
      expect(does(back.looked().plan())).toEqual(["stop web.1.2 on h2, deregistering on h2-node (remove-superseded)"]);
    });
  });
});
