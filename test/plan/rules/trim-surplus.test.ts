import { describe, expect, it } from "vitest";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";

const trim = { surplus: { action: "trim", afterMs: 60_000 } } as const;

describe("trim-surplus", () => {
  const tooMany = aWorld()
    .withService("web", { count: 1 })
    .withInstance("web", 1)
    .withInstance("web", null, { on: "h2" })
    .looked();

  it("tells a person and stops nothing", () => {
    const planned = tooMany.plan();
    expect(does(planned)).toEqual([]);
    expect(holds(planned)).toEqual(["trim-surplus: surplus-is-alerted"]);
    expect(summary(planned)).toBe("warning: 2/1 healthy: 1 more than asked for");
    expect(planned.memory.services["web"]?.surplusSinceMs).toBe(T0);
  });

  it("never stops it, however long it lasts", () => {
    const planned = tooMany.withMemory("web", { surplusSinceMs: 0 }).plan();
    expect(does(planned)).toEqual([]);
  });

  it("only alerts what a lowered count has left", () => {
    const lowered = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" });
    expect(does(lowered.looked().plan())).toEqual([]);
    expect(summary(lowered.plan())).toBe("warning: 2/1 healthy: 1 more than asked for");
  });

  it("only alerts instances of a count of 0", () => {
    const none = aWorld().withService("web", { count: 0 }).withInstance("web", 1).looked();
    expect(does(none.plan())).toEqual([]);
    expect(summary(none.plan())).toBe("warning: 1/0 healthy: 1 more than asked for");
  });

  it("forgets since when once it is over", () => {
    const over = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" })
      .withMemory("web", { surplusSinceMs: T0 - 1 });
    expect(over.plan().memory.services["web"]?.surplusSinceMs).toBeNull();
  });

  describe("of a service that opts into it", () => {
    const trimmed = (sinceMs: number) =>
      aWorld()
        .withService("web", { count: 1, ...trim })
        .withInstance("web", 1)
        .withInstance("web", null, { on: "h2" })
        .withMemory("web", { surplusSinceMs: T0 - sinceMs })
        .looked();

    it("waits until it has lasted, and looks again then", () => {
      expect(does(trimmed(59_000).plan())).toEqual([]);
      expect(holds(trimmed(59_000).plan())).toEqual(["trim-surplus: surplus-after"]);
      expect(trimmed(59_000).plan().plan.services["web"]?.lookAgainAtMs).toBe(T0 + 1_000);
    });

    it("stops it, what was started by hand first", () => {
      expect(does(trimmed(60_000).plan())).toEqual(["stop web-by-hand on h2, deregistering on h2-node (trim-surplus)"]);
      expect(trimmed(60_000).plan().memory.fleet.stopsAtMs).toEqual([T0]);
    });

    it("stops nothing without a consistent look", () => {
      const seen = trimmed(60_000).seen("web", { consistency: "default", freshRuntime: false });
      expect(does(seen.plan())).toEqual([]);
      expect(seen.plan().plan.services["web"]?.needsLook).toBe("consistent");
    });

    it("does not choose a second victim while the first is being stopped", () => {
      const first = trimmed(60_000).plan();
      expect(does(trimmed(60_000).after(1_000, first).plan())).toEqual([]);
    });

    it("never takes healthy ones below the count", () => {
      const shaky = aWorld()
        .withService("web", { count: 2, ...trim })
        .withInstance("web", 1)
        .withInstance("web", 2, { on: "h2", consul: "critical", forMs: 1_000 })
        .withInstance("web", null, { on: "h2" })
        .withMemory("web", { surplusSinceMs: T0 - 60_000 })
        .looked();
      expect(does(shaky.plan())).toEqual([]);
      expect(holds(shaky.plan())).toEqual(["trim-surplus: availability"]);
    });

    it("leaves one that fails its check for a moment while nobody else is known to serve: simulator seed 960705", () => {
      const onlyOne = aWorld()
        .withService("web", { count: 1, ...trim })
        .withInstance("web", 1)
        .withInstance("web", 3, { on: "h2", consul: "critical" })
        .withMemory("web", { surplusSinceMs: T0 - 60_000 })
        .withSilentHost("h1", T0 - 60_000, "passing")
        .looked();
      expect(does(onlyOne.plan())).toEqual([]);
      expect(holds(onlyOne.plan())).toContain("trim-surplus: availability");
      const forLong = onlyOne.withMemory("web", { notPassingSinceMs: { "web/3/1@h2": T0 - 30_000 } });
      expect(does(forLong.plan())).toEqual(["stop web.3.1 on h2, deregistering on h2-node (trim-surplus)"]);
    });

    it("takes an unhealthy one all the same", () => {
      const sick = aWorld()
        .withService("web", { count: 1, ...trim })
        .withInstance("web", 1)
        .withInstance("web", 2, { on: "h2", consul: "critical" })
        .withMemory("web", { surplusSinceMs: T0 - 60_000 })
        .looked();
      expect(does(sick.plan())).toEqual(["stop web.2.1 on h2, deregistering on h2-node (trim-surplus)"]);
    });
  });
});
