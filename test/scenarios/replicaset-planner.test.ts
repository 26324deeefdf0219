import { describe, expect, it } from "vitest";
import { openApply } from "../../src/act/apply.ts";
import { EngineError } from "../../src/ports/engine.ts";
import { scriptedHands } from "../act/support/scripted-hands.ts";
import { aService } from "../builders/service.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { does, summary, waves } from "../plan/support/say.ts";

describe("what Kubernetes' ReplicaSet controller is tested for, on the planner", () => {
  it("62: nothing to do means that nothing is done, and nothing is written", () => {
    const whole = aWorld().withService("web", { count: 2 }).withInstance("web", 1).withInstance("web", 2, { on: "h2" });
    const first = whole.plan();
    const second = whole.after(1_000, first).plan();
    expect(does(first)).toEqual([]);
    expect(second.memory.services["web"]).toBe(first.memory.services["web"]);
  });

  it("63: what is expected suppresses repeats until it is seen, or its time is over", () => {
    const two = aWorld().withService("web", { count: 2 });
    const first = two.plan();
    expect(does(first)).toHaveLength(2);
    const half = two.after(1_000, first).withInstance("web", 1, { forMs: 500, consul: "critical" });
    const second = half.plan();
    expect(does(second)).toEqual([]);
    expect(second.memory.services["web"]?.inFlight.map(({ slot }) => slot)).toEqual([2]);
    const over = half.after(59_000, second).looked();
    expect(does(over.plan())).toEqual(["start web.2.1 on h2 (start-missing)"]);
  });

  it("63: what was refused is expected no more", async () => {
    const hands = scriptedHands();
    hands.failing("h1 start heal.live.web.1.1", new EngineError("refused", "no such image"));
    const service = aService("web", { count: 1, consul: null });
    const planned = aWorld().withService("web", service).plan().plan.services["web"];
    if (planned === undefined) throw new Error("nothing was planned");
    const results = await openApply(hands.tools)(hands.fence(), service, planned);
    expect(results).toMatchObject([{ kind: "failed", retry: "later" }]);
  });

  it("64: starts begin slowly, and stop at the batch that fails", async () => {
    const service = aService("web", { count: 10, consul: null });
    const planned = aWorld().withService("web", service).plan();
    expect(waves(planned).map((wave) => wave.length)).toEqual([1, 2, 4, 3]);
    const hands = scriptedHands({ startsPerHost: 10 });
    hands.failing("h2 start heal.live.web.2.1", new EngineError("refused", "no space left on device"));
    const plan = planned.plan.services["web"];
    if (plan === undefined) throw new Error("nothing was planned");
    await openApply(hands.tools)(hands.fence(), service, plan);
    expect(hands.sent).toHaveLength(3);
  });

  it("65: what belongs to somebody else is neither counted nor touched", () => {
    const foreign = aWorld()
      .withService("web", { count: 1 })
      .withForeign("web", "registrator:web-of-theirs:80")
      .looked();
    expect(does(foreign.plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
    expect(summary(foreign.plan())).toContain("1 registered by somebody else");
  });

  it("65: what is being deleted is not adopted", () => {
    const deleting = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { state: "removing" });
    expect(does(deleting.plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
    expect(summary(deleting.plan())).toBe("critical: 0/1 healthy: 1 missing");
  });

  it("65: the pods that go first are those that serve least, on the fullest node, and the newest", () => {
    const world = aWorld()
      .withService("web", { count: 2, surplus: { action: "trim", afterMs: 0 } })
      .withInstance("web", 1, { on: "h1" })
      .withInstance("web", 2, { on: "h1" })
      .withInstance("web", 3, { on: "h1", forMs: 600_000 })
      .withInstance("web", 4, { on: "h2", forMs: 60_000 })
      .withInstance("web", 5, { on: "h2", consul: "critical" })
      .withMemory("web", { surplusSinceMs: T0 - 1, notPassingSinceMs: { "web/5/1@h2": 0 } })
      .looked();
    expect(does(world.plan()).map((line) => line.slice(0, 12))).toEqual([
      "stop web.5.1",
      "stop web.3.1",
      "stop web.4.1",
    ]);
  });
});
