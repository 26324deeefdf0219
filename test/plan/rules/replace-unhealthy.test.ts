import { describe, expect, it } from "vitest";
import type { Service } from "../../../src/model/service.ts";
import { aTemplate } from "../../builders/template.ts";
import type { World } from "../../builders/world.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";

const atFirstSight = { consistency: "default", freshRuntime: false, agreeingReads: 0 } as const;

/** One of two is critical, and has been for so long. */
function withOneCritical(forMs: number, changes: Partial<Service> = {}): World {
  return aWorld()
    .withService("web", changes)
    .withInstance("web", 1, { consul: "critical", output: "connection refused" })
    .withInstance("web", 2, { on: "h2" })
    .withSlot("web", 1, { generation: 1, host: "h1" })
    .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - forMs } })
    .looked();
}

describe("replace-unhealthy", () => {
  it("waits for unhealthyAfter, and looks again at its end", () => {
    const planned = withOneCritical(29_000).plan();
    expect(does(planned)).toEqual([]);
    expect(holds(planned)).toEqual(["replace-unhealthy: unhealthy-after"]);
    expect(planned.plan.services["web"]?.lookAgainAtMs).toBe(T0 + 1_000);
  });

  it("gives what is well on a host that only Consul calls dead as long as a lost host has", () => {
    const healing = { unhealthyAfterMs: 10_000, lostAfterMs: 60_000, maxUnavailable: 0 };
    const after = (forMs: number) =>
      aWorld()
        .withService("web", { healing })
        .withInstance("web", 1, { consul: "node-critical" })
        .withInstance("web", 2, { on: "h2" })
        .withSlot("web", 1, { generation: 1, host: "h1" })
        .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - forMs } })
        .looked()
        .plan();
    expect(holds(after(59_000))).toEqual(["replace-unhealthy: unhealthy-after"]);
    expect(after(59_000).plan.services["web"]?.lookAgainAtMs).toBe(T0 + 1_000);
    expect(does(after(60_000))).toEqual(["start web.1.2 on h2 (replace-unhealthy)"]);
    expect(does(withOneCritical(10_000, { healing }).plan())).toEqual(["start web.1.2 on h1 (replace-unhealthy)"]);
  });

  it("starts a new one first, saying what Consul said of the old", () => {
    const planned = withOneCritical(30_000).plan();
    expect(does(planned)).toEqual(["start web.1.2 on h1 (replace-unhealthy)"]);
    expect(planned.plan.services["web"]?.waves[0]?.[0]?.because.evidence).toBe(
      "heal.live.web.1.1 on h1 is critical in Consul: connection refused (for 30 s)",
    );
    expect(summary(planned)).toBe("critical: 1/2 healthy: 1 unhealthy");
  });

  it("looks once more before it does: an old answer may still call it critical (simulator seed 910306)", () => {
    const planned = withOneCritical(30_000).seen("web", atFirstSight).plan();
    expect(does(planned)).toEqual([]);
    expect(holds(planned)).toEqual(["replace-unhealthy: consistent-look"]);
    expect(planned.plan.services["web"]?.needsLook).toBe("consistent");
  });

  it("counts the failure it answers to, once", () => {
    const slot = withOneCritical(30_000).plan().memory.services["web"]?.slots[1];
    expect(slot).toMatchObject({
      generation: 2,
      confirmed: false,
      failuresAtMs: [T0],
      failedHosts: ["h1"],
      backOff: { delayMs: 10_000, untilMs: T0 + 10_000, because: "it was unhealthy" },
    });
  });

  it("measures by our own clock, whatever the engine says when it started", () => {
    const fresh = withOneCritical(30_000).without("web");
    const young = fresh
      .withInstance("web", 1, { consul: "critical", forMs: -3_600_000 })
      .withInstance("web", 2, { on: "h2" });
    expect(does(young.plan())).toEqual(["start web.1.2 on h1 (replace-unhealthy)"]);
  });

  it("takes the old one away once the new one is healthy", () => {
    const replaced = withOneCritical(60_000).withInstance("web", 1, { generation: 2, on: "h2" }).looked();
    expect(does(replaced.plan())).toEqual(["stop web.1.1 on h1, deregistering on h1-node (remove-superseded)"]);
    expect(summary(replaced.plan())).toBe("passing: 2/2 healthy");
  });

  it("leaves both alone while the new one starts", () => {
    const world = withOneCritical(60_000).withInstance("web", 1, { generation: 2, forMs: 1_000, consul: "critical" });
    expect(does(world.looked().plan())).toEqual([]);
    expect(holds(world.looked().plan())).toEqual(["replace-unhealthy: one-at-a-time"]);
  });

  it("takes the new one away when the old one recovers first", () => {
    const world = withOneCritical(0)
      .without("web")
      .withInstance("web", 1, { generation: 1 })
      .withInstance("web", 2, { on: "h2" })
      .withInstance("web", 1, { generation: 2, on: "h2", consul: "critical" })
      .withMemory("web", { notPassingSinceMs: { "web/1/2@h2": T0 - 40_000 } })
      .looked();
    expect(does(world.plan())).toEqual(["stop web.1.2 on h2, deregistering on h2-node (remove-superseded)"]);
    expect(summary(world.plan())).toBe("passing: 2/2 healthy");
  });

  describe("when the new one does not become healthy either", () => {
    const failed = withOneCritical(90_000)
      .withInstance("web", 1, { generation: 2, on: "h2", forMs: 60_000, consul: "critical" })
      .withSlot("web", 1, { generation: 2, host: "h2" });
    const notPassing = (newMs: number) =>
      failed.withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 90_000, "web/1/2@h2": T0 - newMs } }).looked();

    it("gives it its own time", () => {
      expect(does(notPassing(29_000).plan())).toEqual([]);
    });

    it("takes it back before there is another try, so that a slot never holds three", () => {
      expect(does(notPassing(60_000).plan())).toEqual([
        "stop web.1.2 on h2, deregistering on h2-node (withdraw-replacement)",
      ]);
    });

    it("does so although the slot waits for its back-off, and tries again only after it", () => {
      const waiting = { delayMs: 40_000, untilMs: T0 + 20_000, because: "it was unhealthy" };
      const world = notPassing(60_000).withSlot("web", 1, { backOff: waiting });
      expect(does(world.plan())).toHaveLength(1);
      const alone = withOneCritical(90_000).withSlot("web", 1, { generation: 2, host: "h2", backOff: waiting });
      expect(does(alone.plan())).toEqual([]);
      expect(holds(alone.plan())).toEqual(["replace-unhealthy: back-off"]);
      expect(does(alone.after(20_000).plan())).toEqual(["start web.1.3 on h2 (replace-unhealthy)"]);
    });
  });

  describe("where there is no room for two", () => {
    const port = { container: 8080, host: 8080, hostIp: null, protocol: "tcp" } as const;
    const fixed = { count: 2, container: aTemplate("web:1", { ports: [port] }) };

    it("stops the old one first, after one consistent look", () => {
      const world = withOneCritical(30_000, fixed).seen("web", atFirstSight);
      expect(does(world.plan())).toEqual([]);
      expect(holds(world.plan())).toEqual(["replace-unhealthy: consistent-look"]);
      expect(world.plan().plan.services["web"]?.needsLook).toBe("consistent");
      expect(does(world.looked().plan())).toEqual(["stop web.1.1 on h1, deregistering on h1-node (replace-unhealthy)"]);
    });

    it("does not while the slot waits, when nothing would take its place", () => {
      const waiting = { delayMs: 40_000, untilMs: T0 + 20_000, because: "it was unhealthy" };
      const world = withOneCritical(30_000, fixed).withSlot("web", 1, { backOff: waiting }).looked();
      expect(holds(world.plan())).toEqual(["replace-unhealthy: back-off"]);
    });

    it("leaves one that a person has put in maintenance", () => {
      const world = withOneCritical(0, fixed)
        .without("web")
        .withInstance("web", 1, { consul: "maintenance" })
        .withInstance("web", 2, { on: "h2" })
        .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 60_000 } })
        .looked();
      expect(does(world.plan())).toEqual([]);
      expect(holds(world.plan())).toEqual(["replace-unhealthy: in-maintenance"]);
    });
  });

  it("stops the old one first where both would use the same data", () => {
    const stateful = { container: aTemplate("web:1", { volumes: ["data-{slot}:/data"] }) };
    expect(does(withOneCritical(30_000, stateful).looked().plan())).toEqual([
      "stop web.1.1 on h1, deregistering on h1-node (replace-unhealthy)",
    ]);
  });

  it("replaces one at a time", () => {
    const world = aWorld()
      .withHosts("h1", "h2", "h3")
      .withService("web", { count: 3 })
      .withInstance("web", 1, { consul: "critical" })
      .withInstance("web", 2, { on: "h2", consul: "critical" })
      .withInstance("web", 3, { on: "h3" })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 60_000, "web/2/1@h2": T0 - 60_000 } })
      .looked();
    expect(does(world.plan())).toEqual(["start web.1.2 on h1 (replace-unhealthy)"]);
    expect(holds(world.plan())).toEqual(["replace-unhealthy: one-at-a-time"]);
  });

  it("goes on to the next when the first has to wait", () => {
    const world = aWorld()
      .withService("web")
      .withInstance("web", 1, { consul: "critical" })
      .withInstance("web", 2, { on: "h2", consul: "critical" })
      .withSlot("web", 1, { generation: 1, backOff: { delayMs: 600_000, untilMs: T0 + 600_000, because: "it ended" } })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 60_000, "web/2/1@h2": T0 - 60_000 } })
      .looked();
    expect(does(world.plan())).toEqual(["start web.2.2 on h2 (replace-unhealthy)"]);
    expect(holds(world.plan())).toEqual(["replace-unhealthy: back-off"]);
  });

  it("waits while another instance starts or is on its way", () => {
    const busy = withOneCritical(60_000).withMemory("web", {
      inFlight: [
        {
          kind: "start",
          slot: 2,
          generation: 9,
          host: "h2",
          subject: "heal.live.web.2.9",
          sinceMs: T0,
          expiresAtMs: T0 + 60_000,
        },
      ],
      notPassingSinceMs: { "web/1/1@h1": T0 - 60_000 },
    });
    expect(does(busy.plan())).toEqual([]);
    expect(holds(busy.plan())).toEqual(["replace-unhealthy: one-at-a-time"]);
  });

  it("does not replace what enough others stand in for", () => {
    const world = withOneCritical(60_000).withInstance("web", null, { on: "h2" });
    expect(does(world.plan())).toEqual([]);
    expect(holds(world.plan())).toContain("replace-unhealthy: enough-serve");
  });

  it("does not replace what is beside the slots", () => {
    const world = withOneCritical(60_000, { count: 0 });
    expect(does(world.looked().plan())).toEqual([]);
    expect(holds(world.looked().plan())).toEqual(["trim-surplus: surplus-is-alerted"]);
  });

  it.each([
    ["paused", { state: "paused" }, "is paused"],
    ["in a restart loop", { state: "restarting" }, "is restarting"],
    ["unhealthy by Docker's word", { health: "unhealthy" }, "is unhealthy by Docker's own check"],
    ["in maintenance", { consul: "maintenance" }, "is in maintenance"],
    ["on a node that Consul has lost", { consul: "node-critical" }, "is on h1-node, which is critical in Consul"],
  ] as const)("replaces one that is %s", (_name, facts, said) => {
    const world = withOneCritical(60_000)
      .without("web")
      .withInstance("web", 1, facts)
      .withInstance("web", 2, { on: "h2" });
    const planned = world.plan();
    expect(does(planned)).toHaveLength(1);
    expect(planned.plan.services["web"]?.waves[0]?.[0]?.because).toEqual({
      rule: "replace-unhealthy",
      evidence: `heal.live.web.1.1 on h1 ${said} (for 60 s)`,
    });
  });

  it("puts the new one elsewhere when the node of the old one is the trouble", () => {
    const world = withOneCritical(60_000, { count: 1 })
      .withHosts("h1", "h2")
      .without("web")
      .withInstance("web", 1, { consul: "node-critical" });
    expect(does(world.plan())).toEqual(["start web.1.2 on h2 (replace-unhealthy)"]);
  });
});
