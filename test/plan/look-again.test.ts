import { describe, expect, it } from "vitest";
import type { World } from "../builders/world.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { aSwarmBinding } from "../builders/swarm.ts";

/** How much later the service wants to be looked at again; null: only when something happens. */
function inMs(world: World): number | null {
  const atMs = world.plan().plan.services["web"]?.lookAgainAtMs ?? null;
  return atMs === null ? null : atMs - T0;
}

const web = aWorld().withService("web", {
  count: 1,
  healing: { unhealthyAfterMs: 45_000, maxUnavailable: 0, lostAfterMs: 20_000 },
});

describe("when a service is looked at again although nothing happens", () => {
  it("is never, while all is well", () => {
    expect(inMs(web.withInstance("web", 1))).toBeNull();
  });

  it("is at the end of the grace of one that starts, then when it is due for replacement", () => {
    const starting = web.withInstance("web", 1, { forMs: 1_000, consul: "critical" });
    const since = (ms: number) => inMs(starting.withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - ms } }));
    expect(since(1_000)).toBe(29_000);
    expect(since(30_000)).toBe(15_000);
  });

  it("is when one that crashed has run for its grace", () => {
    const unchecked = web.withService("web", { count: 1, health: null, consul: null });
    const crashed = unchecked.withInstance("web", 1, { forMs: 10_000, container: { restartsItself: true } });
    expect(inMs(crashed.withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 70_000 } }))).toBe(20_000);
  });

  it("is when an action in flight has had its time", () => {
    const planned = web.plan();
    expect(planned.plan.services["web"]?.lookAgainAtMs).toBe(T0 + 60_000);
  });

  it("is when a silent host will count as lost, whatever runs the service", () => {
    const adopted = aWorld()
      .withService("web", { runtime: null, container: null, health: null, consul: null, count: 1 })
      .withBinding("web", aSwarmBinding())
      .withInstance("web", null, { container: { swarmServiceName: "web", service: null } })
      .withSilentHost("h2", T0 - 10_000, "critical");
    expect(inMs(adopted)).toBe(20_000);
    expect(inMs(adopted.withSilentHost("h2", T0 - 10_000, "passing"))).toBeNull();
  });

  it("is when a pause ends", () => {
    const paused = web.withInstance("web", 1).withMemory("web", { pause: { sinceMs: 0, untilMs: T0 + 9, why: "" } });
    expect(inMs(paused)).toBe(9);
  });

  it("is when a healthy slot may forget its failures", () => {
    const backOff = { delayMs: 10_000, untilMs: T0 - 1, because: "it ended" };
    const healed = web
      .withInstance("web", 1)
      .withSlot("web", 1, { generation: 1, backOff, healthySinceMs: T0 - 590_000 });
    expect(inMs(healed)).toBe(10_000);
  });

  it("is when the first of several things is due", () => {
    const both = web.withInstance("web", 1, { forMs: 1_000, consul: "critical" }).withMemory("web", {
      pause: { sinceMs: 0, untilMs: T0 + 400, why: "" },
      notPassingSinceMs: { "web/1/1@h1": T0 - 1_000 },
    });
    expect(inMs(both)).toBe(400);
  });
});
