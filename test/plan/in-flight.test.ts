import { describe, expect, it } from "vitest";
import type { ActionResult } from "../../src/model/action.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import { learn } from "../../src/plan/learn.ts";
import type { Planned } from "../../src/plan/plan.ts";
import type { World } from "../builders/world.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { does, holds, summary } from "./support/say.ts";

const empty = aWorld().withService("web", { count: 1 });

/** What heal knows when the first action of the plan came to this, so much later. */
function having(planned: Planned, world: World, outcome: "done" | "later" | "look" | "never" | "skipped"): World {
  const action = planned.plan.services["web"]?.waves[0]?.[0];
  const memory = planned.memory.services["web"];
  if (action === undefined || memory === undefined) throw new Error("nothing was planned");
  const result: ActionResult =
    outcome === "done"
      ? { kind: "done", action, tookMs: 1, note: null }
      : outcome === "skipped"
        ? { kind: "skipped", action, reason: "fenced" }
        : { kind: "failed", action, tookMs: 1, message: "no such image", retry: outcome };
  return world.after(1_000, planned).withMemory("web", learn(memory, [result], defaultTuning, T0 + 1_000));
}

describe("a start, when heal dies between any two steps", () => {
  const first = empty.plan();

  it("is written down before it is sent: S7", () => {
    expect(first.memory.services["web"]).toMatchObject({
      inFlight: [
        {
          kind: "start",
          slot: 1,
          generation: 1,
          host: "h1",
          subject: "heal.live.web.1.1",
          sinceMs: T0,
          expiresAtMs: T0 + 60_000,
        },
      ],
      slots: { 1: { generation: 1, confirmed: false, host: "h1" } },
    });
  });

  it("is not repeated by the next while it may be on its way: S9", () => {
    const next = empty.after(59_999, first);
    expect(does(next.plan())).toEqual([]);
    expect(summary(next.plan())).toBe("critical: 0/1 healthy: 1 starting");
    expect(does(next.looked().plan())).toEqual([]);
  });

  it("is looked for when its time is over, and only then repeated: S8", () => {
    const over = empty.after(60_000, first);
    expect(does(over.plan())).toEqual([]);
    expect(over.plan().plan.services["web"]?.needsLook).toBe("consistent");
    expect(does(over.looked().plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
  });

  it("is repeated under the same name and in the same place, so that it collides instead of doubling", () => {
    const busier = empty.after(60_000, first).withHost("h1", { load: 99 }).looked();
    expect(does(busier.plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
  });

  it("is not repeated elsewhere while its host does not answer", () => {
    const silent = empty
      .after(90_000, first)
      .withSilentHost("h1", T0 + 10_000, "passing")
      .looked();
    expect(does(silent.plan())).toEqual([]);
    expect(silent.plan().memory.services["web"]?.inFlight).toHaveLength(1);
  });

  it("is not looked for while its host does not answer, but as soon as it does", () => {
    const over = empty.after(90_000, first);
    const silent = over.withSilentHost("h1", T0 + 10_000, "passing");
    expect(silent.plan().plan.services["web"]?.needsLook).toBeNull();
    expect(over.plan().plan.services["web"]?.needsLook).toBe("consistent");
  });

  it("is made elsewhere under another name once its host is lost, without blame", () => {
    const lost = empty.after(40_000, first).withSilentHost("h1", T0, "critical");
    expect(does(lost.plan())).toEqual(["start web.1.2 on h2 (start-missing)"]);
    expect(lost.plan().memory.services["web"]?.slots[1]?.failuresAtMs).toEqual([]);
  });

  it("is completed when the container was created and never started", () => {
    const created = empty.after(60_000, first).withInstance("web", 1, { state: "created" }).looked();
    expect(does(created.plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
  });

  it("waits for one that was just created", () => {
    const created = empty.after(1_000, first).withInstance("web", 1, { state: "created" });
    expect(does(created.plan())).toEqual([]);
  });

  it("is over when the container is seen, registered or not", () => {
    const started = empty.after(1_000, first).withInstance("web", 1, { forMs: 500, consul: "unlisted" });
    expect(started.plan().memory.services["web"]).toMatchObject({
      inFlight: [],
      slots: { 1: { generation: 1, confirmed: true, host: "h1" } },
    });
    expect(does(started.plan())).toEqual([]);
  });

  it("counts as a failure of the instance when the container is seen to have ended", () => {
    const ended = empty.after(1_000, first).withInstance("web", 1, { state: "exited", exitCode: 2 });
    expect(does(ended.plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
    expect(ended.plan().memory.services["web"]?.slots[1]).toMatchObject({
      failuresAtMs: [T0 + 1_000],
      backOff: { because: "it ended with exit code 2" },
    });
  });

  it("keeps two of the same slot from ever being in flight at once", () => {
    const planned = empty.after(60_000, first).looked().plan();
    expect(planned.memory.services["web"]?.inFlight).toHaveLength(1);
  });
});

describe("a start, by what came of it", () => {
  const first = empty.plan();

  it("stays in flight when done, until it is seen or a look shows that it is gone again", () => {
    const done = having(first, empty, "done");
    expect(does(done.plan())).toEqual([]);
    expect(done.plan().plan.services["web"]?.needsLook).toBe("consistent");
    expect(does(done.looked().plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
  });

  it("is looked for at once when the answer did not come: S8", () => {
    const unclear = having(first, empty, "look");
    expect(does(unclear.plan())).toEqual([]);
    expect(unclear.plan().plan.services["web"]?.needsLook).toBe("consistent");
    expect(does(unclear.looked().plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
    const there = unclear.withInstance("web", 1, { forMs: 500, consul: "critical" }).looked();
    expect(does(there.plan())).toEqual([]);
  });

  it("waits after a refusal, and may go elsewhere: what was refused is nowhere", () => {
    const refused = having(first, empty, "later");
    expect(does(refused.plan())).toEqual([]);
    expect(holds(refused.plan())).toEqual(["start-missing: back-off"]);
    expect(does(refused.after(9_999).plan())).toEqual([]);
    expect(does(refused.after(10_000).plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
  });

  it("counts a refusal once, and moves to another host after the second", () => {
    const refused = having(first, empty, "later").after(10_000);
    const second = refused.plan();
    expect(second.memory.services["web"]?.slots[1]?.failuresAtMs).toHaveLength(1);
    const memory = second.memory.services["web"];
    const action = second.plan.services["web"]?.waves[0]?.[0];
    if (memory === undefined || action === undefined) throw new Error("nothing was planned");
    const result = { kind: "failed", action, tookMs: 1, message: "port is taken", retry: "later" } as const;
    const twice = refused.after(0, second).withMemory("web", learn(memory, [result], defaultTuning, T0 + 11_000));
    expect(does(twice.after(20_000).plan())).toEqual(["start web.1.3 on h2 (start-missing)"]);
  });

  it("is in quarantine at once when trying again is hopeless, until the specification changes", () => {
    const hopeless = having(first, empty, "never");
    expect(holds(hopeless.plan())).toEqual(["start-missing: quarantine"]);
    expect(does(hopeless.after(599_999).plan())).toEqual([]);
    expect(does(hopeless.after(600_000).plan())).toHaveLength(1);
    const { services } = hopeless.memory();
    const changed = aWorld()
      .withService("web", { count: 1, health: null })
      .withMemory("web", services["web"] ?? {})
      .after(1_000);
    expect(does(changed.plan())).toHaveLength(1);
  });

  it("is forgotten when it was never sent", () => {
    const skipped = having(first, empty, "skipped");
    expect(does(skipped.plan())).toEqual(["start web.1.1 on h1 (start-missing)"]);
  });
});

describe("a removal", () => {
  it("is not repeated while it may be on its way, and is over when the container is gone", () => {
    const ended = aWorld().withService("web", { count: 0 }).withInstance("web", 1, { state: "exited" }).looked();
    const first = ended.plan();
    expect(does(first)).toEqual(["remove web.1.1 on h1 (clear-ended)"]);
    expect(does(ended.after(59_999, first).plan())).toEqual([]);
    expect(does(ended.after(60_000, first).plan())).toEqual(["remove web.1.1 on h1 (clear-ended)"]);
    expect(ended.without("web").after(1_000, first).plan().memory.services["web"]?.inFlight).toEqual([]);
  });
});

describe("a stop, by what came of it", () => {
  const returned = aWorld()
    .withService("web", { count: 1 })
    .withInstance("web", 1, { generation: 1 })
    .withInstance("web", 1, { generation: 2, on: "h2" })
    .looked();
  const first = returned.plan();

  it("is not repeated while it may be on its way", () => {
    expect(does(returned.after(1_000, first).plan())).toEqual([]);
    expect(summary(returned.after(1_000, first).plan())).toBe("passing: 1/1 healthy");
  });

  it.each(["look", "skipped"] as const)("is taken up again at once after a look when it came to %s", (outcome) => {
    expect(does(having(first, returned, outcome).plan())).toEqual([
      "stop web.1.1 on h1, deregistering on h1-node (remove-superseded)",
    ]);
  });

  it("waits for the time of a quarantine when trying again is hopeless", () => {
    const hopeless = having(first, returned, "never");
    expect(does(hopeless.after(599_999).plan())).toEqual([]);
    expect(does(hopeless.after(600_000).plan())).toHaveLength(1);
  });

  it("ends the service's back-off when it succeeds", () => {
    const refused = { delayMs: 20_000, untilMs: T0, because: "cannot kill" };
    const done = having(returned.withMemory("web", { backOff: refused }).plan(), returned, "done");
    expect(done.memory().services["web"]?.backOff).toBeNull();
  });

  it("waits after a refusal", () => {
    const refused = having(first, returned, "later");
    expect(holds(refused.plan())).toEqual(["remove-superseded: back-off"]);
    expect(does(refused.after(10_000).plan())).toHaveLength(1);
  });
});
