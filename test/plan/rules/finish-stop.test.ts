import { describe, expect, it } from "vitest";
import type { InFlight } from "../../../src/model/memory.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, summary } from "../support/say.ts";

/** A stop of the instance of slot 1 was written down so long ago. */
function stopping(agoMs: number): InFlight {
  return {
    kind: "stop",
    slot: null,
    generation: null,
    host: "h1",
    subject: "web/1/1@h1",
    sinceMs: T0 - agoMs,
    expiresAtMs: T0 - agoMs + 60_000,
  };
}

describe("finish-stop: heal died over a stop", () => {
  const world = (agoMs: number, consul: "passing" | "own-maintenance") =>
    aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { consul })
      .withMemory("web", { inFlight: [stopping(agoMs)], surplusSinceMs: null });

  it("neither counts it nor fills its slot while it may be under way", () => {
    const planned = world(1_000, "own-maintenance").looked().plan();
    expect(does(planned)).toEqual([]);
    expect(summary(planned)).toBe("critical: 0/1 healthy: 1 missing");
  });

  it("looks at what became of it when its time is over", () => {
    const planned = world(60_000, "own-maintenance").plan();
    expect(does(planned)).toEqual([]);
    expect(planned.plan.services["web"]?.needsLook).toBe("consistent");
  });

  it("finishes what it has taken out of service itself", () => {
    const planned = world(60_000, "own-maintenance").looked().plan();
    expect(does(planned)).toEqual(["stop web.1.1 on h1, deregistering on h1-node (finish-stop)"]);
    expect(planned.plan.services["web"]?.waves[0]?.[0]).toMatchObject({ drainMs: 0 });
    expect(planned.memory.services["web"]?.inFlight).toEqual([
      expect.objectContaining({ kind: "stop", subject: "web/1/1@h1", expiresAtMs: T0 + 60_000 }),
    ]);
  });

  it("forgets it when it never began: the instance serves as before", () => {
    const planned = world(60_000, "passing").looked().plan();
    expect(does(planned)).toEqual([]);
    expect(planned.memory.services["web"]?.inFlight).toEqual([]);
    expect(summary(planned)).toBe("passing: 1/1 healthy");
  });

  it("brings back into service what is left in our own maintenance and is not being stopped by anybody", () => {
    const leftOver = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { consul: "own-maintenance" });
    expect(summary(leftOver.looked().plan())).toBe("critical: 0/1 healthy: 1 starting");
    const [action] = leftOver.looked().plan().plan.services["web"]?.waves.flat() ?? [];
    expect(action).toMatchObject({
      kind: "register-instance",
      endsMaintenance: true,
      because: {
        evidence: "heal.live.web.1.1 on h1 is in maintenance by our own hand, and nobody is stopping it any more",
      },
    });
  });

  it("stops what is left in our own maintenance and is superseded", () => {
    const leftOver = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 1, consul: "own-maintenance" })
      .withInstance("web", 1, { generation: 2, on: "h2" })
      .looked();
    expect(does(leftOver.plan())).toEqual(["stop web.1.1 on h1, deregistering on h1-node (remove-superseded)"]);
  });

  it("forgets it when it has ended", () => {
    const ended = aWorld()
      .withService("web", { count: 0 })
      .withInstance("web", 1, { state: "exited" })
      .withMemory("web", { inFlight: [stopping(1_000)] });
    expect(ended.plan().memory.services["web"]?.inFlight).toEqual([]);
  });

  it("does not forget it while its host does not answer", () => {
    const silent = world(90_000, "own-maintenance")
      .withSilentHost("h1", T0 - 5_000)
      .looked();
    expect(silent.plan().memory.services["web"]?.inFlight).toHaveLength(1);
  });
});
