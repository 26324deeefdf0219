import { describe, expect, it } from "vitest";
import type { StartInstance } from "../../src/model/action.ts";
import type { Memory } from "../../src/model/memory.ts";
import { noSlotMemory } from "../../src/model/memory.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import { afterFailure, forgetFailures, nextBackOff, waitOf } from "../../src/plan/back-off.ts";
import { learn } from "../../src/plan/learn.ts";
import type { World } from "../builders/world.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { does, holds, summary } from "./support/say.ts";

/**
 * A slot whose instance always dies `livesS` seconds after its start, watched second by second; gives the seconds at
 * which it was started.
 */
function startsOfACrashLoop(livesS: number, seconds: number, change = (world: World): World => world) {
  let world = aWorld().withService("web", { count: 1, consul: null, health: null });
  const starts: number[] = [];
  let generation = 0;
  for (let second = 0; second < seconds; second += 1) {
    world = change(world);
    const startedS = starts.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (generation > 0) {
      const isUp = second - startedS < livesS;
      const facts = { generation, state: isUp ? "running" : "exited", forMs: (second - startedS) * 1_000 } as const;
      world = world.without("web").withInstance("web", 1, facts);
    }
    const planned = world.plan();
    const [start] = planned.plan.services["web"]?.waves.flat() ?? [];
    if (start?.kind === "start-instance") {
      starts.push(second);
      ({ generation } = start);
    }
    world = world.after(1_000, planned);
  }
  return { starts, world };
}

describe("back-off", () => {
  it("answers the first failure at once, then keeps 10, 20, 40 … s from attempt to attempt: S20", () => {
    expect(startsOfACrashLoop(2, 100).starts).toEqual([0, 2, 12, 32, 72]);
  });

  it("never shortens because the instance lived on for a while", () => {
    const { starts } = startsOfACrashLoop(15, 400);
    const apart = starts.slice(1).map((atS, index) => atS - (starts[index] ?? 0));
    expect(apart).toEqual([15, 15, 20, 40, 80]);
  });

  it("goes into quarantine after five failures in ten minutes, and tries once in ten minutes from there: S19", () => {
    const { starts, world } = startsOfACrashLoop(2, 2_000);
    expect(starts).toEqual([0, 2, 12, 32, 72, 152, 752, 1_352, 1_952]);
    expect(holds(world.plan())).toContain("start-missing: quarantine");
    expect(summary(world.plan())).toBe("critical: 0/1 healthy: 1 missing, 1 in quarantine");
  });

  it("holds over restarts of heal, which reads what it wrote: S19", () => {
    const reread = (world: World): World =>
      world.withMemory("web", JSON.parse(JSON.stringify(world.memory().services["web"] ?? {})));
    expect(startsOfACrashLoop(2, 1_000, reread).starts).toEqual(startsOfACrashLoop(2, 1_000).starts);
  });

  it("gives another specification a new chance at once", () => {
    const { world } = startsOfACrashLoop(2, 200);
    const changed = aWorld()
      .withService("web", { count: 1, consul: null, health: null, alerts: { route: "other" } })
      .withMemory("web", world.memory().services["web"] ?? {})
      .after(200_000);
    expect(does(changed.plan())).toEqual([]);
    const { services } = world.memory();
    const other = changed.withSlot("web", 1, { ...services["web"]?.slots[1], specHash: "older" });
    expect(does(other.plan())).toHaveLength(1);
    expect(other.plan().memory.services["web"]?.slots[1]).toMatchObject({
      backOff: null,
      failuresAtMs: [],
      failedHosts: [],
      quarantinedAtMs: null,
    });
  });

  it("is forgotten after ten minutes in good health", () => {
    const failed = { generation: 3, failuresAtMs: [T0 - 1], backOff: { delayMs: 40_000, untilMs: T0, because: "x" } };
    const world = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { generation: 3 });
    const since = (ms: number) => world.withSlot("web", 1, { ...failed, healthySinceMs: T0 - ms }).plan();
    expect(since(599_999).memory.services["web"]?.slots[1]?.backOff).not.toBeNull();
    expect(since(599_999).plan.services["web"]?.lookAgainAtMs).toBe(T0 + 1);
    expect(since(600_000).memory.services["web"]?.slots[1]).toMatchObject({ backOff: null, failuresAtMs: [] });
  });

  it("is not forgotten by what was healthy only now and then", () => {
    const slot = { ...noSlotMemory, failuresAtMs: [T0], healthySinceMs: null };
    expect(forgetFailures(slot, T0 + 86_400_000, defaultTuning)).toBe(slot);
  });
});

describe("a death that was answered while Memory could not be written (simulator seeds 7, 920021)", () => {
  const backOff = { delayMs: 20_000, untilMs: T0 - 5_000, because: "it ended" };
  const before = aWorld()
    .withService("web", { count: 1 })
    .withSlot("web", 1, { generation: 2, confirmed: true, host: "h1", specHash: null, backOff });
  const slotOf = (world: World) => world.plan().memory.services["web"]?.slots[1];
  const created = before.withInstance("web", 1, { generation: 3, state: "created", specHash: null });

  it("is counted when what was created for it is seen, and the repeated start does not wait for that", () => {
    expect(slotOf(created)).toMatchObject({ failuresAtMs: [T0], backOff: { delayMs: 40_000, untilMs: T0 - 5_000 } });
    expect(slotOf(created.after(1_000, created.plan()))?.failuresAtMs).toEqual([T0]);
  });

  it("is none where another specification was created, or one that Memory knows of", () => {
    const renewed = before.withInstance("web", 1, { generation: 3, state: "created", specHash: "new" });
    expect(slotOf(renewed)?.failuresAtMs).toEqual([]);
    const known = created.withSlot("web", 1, { generation: 3, confirmed: false, host: "h1", specHash: null });
    expect(slotOf(known)?.failuresAtMs).toEqual([]);
  });
});

describe("a start that was sent later than it was decided (simulator seeds 96, 170)", () => {
  const backOff = { delayMs: 20_000, untilMs: T0 + 20_000, because: "it ended" };
  const meant = aWorld()
    .withService("web", { count: 1 })
    .withSlot("web", 1, { generation: 3, confirmed: false, host: "h1", backOff });
  const untilMs = (memory: Memory): number | undefined => memory.services["web"]?.slots[1]?.backOff?.untilMs;

  it("keeps the next one at its distance from when it is known to have happened: S20", () => {
    const action = { kind: "start-instance", slot: 1, name: "heal.live.web.1.3" } as StartInstance;
    const learnt = learn(
      meant.memory().services["web"]!,
      [{ kind: "done", action, tookMs: 1, note: null }],
      defaultTuning,
      T0 + 47_000,
    );
    expect(learnt.slots[1]).toMatchObject({ confirmed: true, backOff: { delayMs: 20_000, untilMs: T0 + 67_000 } });
  });

  it("and from when its container was created, when a look has to tell that it happened", () => {
    const seen = meant.after(40_000).withInstance("web", 1, { generation: 3, forMs: 5_000 });
    expect(untilMs(seen.plan().memory)).toBe(T0 + 55_000);
    expect(untilMs(seen.after(1_000, seen.plan()).plan().memory)).toBe(T0 + 55_000);
  });

  it("does not take one that was created and never started for a start", () => {
    const created = meant.after(40_000).withInstance("web", 1, { generation: 3, state: "created", forMs: 5_000 });
    expect(untilMs(created.plan().memory)).toBe(T0 + 20_000);
  });

  it("never brings it closer", () => {
    const early = meant.after(1_000).withInstance("web", 1, { generation: 3, forMs: 60_000 });
    expect(untilMs(early.plan().memory)).toBe(T0 + 20_000);
  });
});

describe("the arithmetic of failures", () => {
  it("doubles from 10 s to five minutes and no further", () => {
    let last = nextBackOff(null, 0, defaultTuning, "x");
    const delaysS = [last.delayMs / 1_000];
    for (let times = 0; times < 6; times += 1) {
      last = nextBackOff(last, 0, defaultTuning, "x");
      delaysS.push(last.delayMs / 1_000);
    }
    expect(delaysS).toEqual([10, 20, 40, 80, 160, 300, 300]);
  });

  it("counts failures within the window only", () => {
    const old = { ...noSlotMemory, failuresAtMs: [T0 - 600_000, T0 - 599_999, T0 - 3, T0 - 2] };
    const after = afterFailure(old, T0, defaultTuning, "x");
    expect(after.failuresAtMs).toEqual([T0 - 599_999, T0 - 3, T0 - 2, T0]);
    expect(after.quarantinedAtMs).toBeNull();
    expect(afterFailure(after, T0, defaultTuning, "x").quarantinedAtMs).toBe(T0);
  });

  it("waits exactly as long as it says", () => {
    const slot = { ...noSlotMemory, backOff: { delayMs: 10_000, untilMs: T0 + 10_000, because: "it ended" } };
    expect(waitOf(slot, null, T0 + 9_999)).toEqual({
      heldBy: "back-off",
      reason: "it failed before (it ended); next try in 1 s",
      untilMs: T0 + 10_000,
    });
    expect(waitOf(slot, null, T0 + 10_000)).toBeNull();
  });
});
