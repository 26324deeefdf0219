import { describe, expect, it } from "vitest";
import { known } from "../../../src/model/known.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary, waves } from "../support/say.ts";
import { aStanding } from "../../builders/standing.ts";

describe("start-missing", () => {
  it("does nothing for a service that is whole", () => {
    const planned = aWorld().withService("web").withInstance("web", 1).withInstance("web", 2, { on: "h2" }).plan();
    expect(waves(planned)).toEqual([]);
    expect(holds(planned)).toEqual([]);
    expect(summary(planned)).toBe("passing: 2/2 healthy");
  });

  it("says of a start everything that is needed to carry it out and to explain it", () => {
    const planned = aWorld().withService("web", { count: 1 }).plan();
    const specHash = planned.plan.services["web"]?.waves[0]?.[0];
    expect(planned.plan.services["web"]).toEqual({
      service: "web",
      waves: [
        [
          {
            kind: "start-instance",
            service: "web",
            host: "h1",
            slot: 1,
            generation: 1,
            name: "heal.live.web.1.1",
            specHash: specHash?.kind === "start-instance" ? specHash.specHash : "",
            because: { rule: "start-missing", evidence: "slot 1 of 1 is empty: nothing runs in it" },
          },
        ],
      ],
      holds: [],
      standing: aStanding("web", { status: 2, desired: 1, healthy: 0, summary: "0/1 healthy: 1 missing" }),
      needsLook: null,
      lookAgainAtMs: T0 + 60_000,
    });
  });

  it("starts the missing ones in waves of one, two, four and the rest", () => {
    const planned = aWorld().withService("web", { count: 9 }).plan();
    expect(waves(planned).map((wave) => wave.length)).toEqual([1, 2, 4, 2]);
  });

  it("begins with as many at once as are healthy by the same specification", () => {
    const three = aWorld()
      .withService("web", { count: 10 })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" })
      .withInstance("web", 3);
    expect(waves(three.plan()).map((wave) => wave.length)).toEqual([3, 4]);
    const unwell = three.withInstance("web", 4, { consul: "critical" }).withInstance("web", 5, { specHash: "older" });
    expect(waves(unwell.plan()).map((wave) => wave.length)).toEqual([3, 2]);
  });

  it("fills the missing slots only, each under its own number", () => {
    const world = aWorld().withService("web", { count: 4 }).withInstance("web", 2).withInstance("web", 4, { on: "h2" });
    expect(does(world.plan())).toEqual(["start web.1.1 on h1 (start-missing)", "start web.3.1 on h2 (start-missing)"]);
  });

  it("counts one that starts, one that is not listed and one that is unhealthy as there", () => {
    const planned = aWorld()
      .withService("web", { count: 3 })
      .withInstance("web", 1, { forMs: 5_000, consul: "critical" })
      .withInstance("web", 2, { forMs: 500, consul: "unlisted" })
      .withInstance("web", 3, { consul: "critical" })
      .plan();
    expect(does(planned)).toEqual([]);
    expect(summary(planned)).toBe("critical: 0/3 healthy: 2 starting, 1 unhealthy");
  });

  it("starts another in the place of one that has ended, and says how that ended", () => {
    const planned = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited", exitCode: 137 })
      .plan();
    expect(does(planned)).toEqual(["start web.1.2 on h1 (start-missing)"]);
    expect(planned.plan.services["web"]?.waves[0]?.[0]?.because.evidence).toBe(
      "slot 1 of 1 is empty: heal.live.web.1.1 ended with exit code 137",
    );
  });

  it.each(["exited", "dead", "removing"] as const)("takes a container that is %s for gone", (state) => {
    const planned = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { state }).plan();
    expect(does(planned)).toEqual(["start web.1.2 on h1 (start-missing)"]);
  });

  it("counts instances that were started by hand instead of empty slots", () => {
    const world = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1)
      .withInstance("web", null, { on: "h2" });
    expect(does(world.plan())).toEqual([]);
    expect(summary(world.plan())).toBe("passing: 2/2 healthy");
  });

  it("counts what is left from a larger count instead of empty slots", () => {
    const world = aWorld().withService("web", { count: 2 }).withInstance("web", 1).withInstance("web", 4, { on: "h2" });
    expect(does(world.plan())).toEqual([]);
  });

  it("gives up one that was started by hand only when it has failed for unhealthyAfter", () => {
    const failing = aWorld().withService("web", { count: 1 }).withInstance("web", null, { consul: "critical" });
    const since = (ms: number) => failing.withMemory("web", { notPassingSinceMs: { "web/x/0@h1": T0 - ms } });
    expect(does(since(29_999).plan())).toEqual([]);
    expect(does(since(30_000).plan())).toEqual(["start web.1.1 on h2 (start-missing)"]);
  });

  it("starts nothing for a count of 0", () => {
    const planned = aWorld().withService("web", { count: 0 }).plan();
    expect(does(planned)).toEqual([]);
    expect(summary(planned)).toBe("passing: 0/0 healthy");
  });

  describe("while a host is silent", () => {
    const web = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" })
      .withSlot("web", 1, { generation: 1, host: "h1" })
      .withSlot("web", 2, { generation: 1, host: "h2" });

    it("takes what was last seen there for neither there nor gone, and says what it waits for", () => {
      const planned = web.withSilentHost("h2", T0 - 600_000, "passing").plan();
      expect(does(planned)).toEqual([]);
      expect(holds(planned)).toEqual(["start-missing: silent-host"]);
      expect(summary(planned)).toBe("unknown: 1/2 healthy: 1 unknown");
    });

    it("does the same when only Memory knows that there was one", () => {
      const forgotten = web
        .without("web")
        .withInstance("web", 1)
        .withSilentHost("h2", T0 - 600_000, "passing");
      expect(does(forgotten.plan())).toEqual([]);
      expect(summary(forgotten.plan())).toBe("unknown: 1/2 healthy: 1 unknown");
    });

    it("does the same for an older one, whose replacement was refused or is gone: simulator seeds 960140, 960545", () => {
      const refused = aWorld()
        .withService("web", { count: 1 })
        .withSlot("web", 1, { generation: 5, confirmed: false, host: null, olderHost: "h2" })
        .withHosts("h1", "h2")
        .withSilentHost("h2", T0 - 600_000, "passing");
      expect(does(refused.plan())).toEqual([]);
      expect(refused.plan().plan.services["web"]?.holds[0]?.because.evidence).toBe(
        "slot 1 of 1 may run on h2, which does not answer",
      );
      const lost = refused.withSilentHost("h2", T0 - 600_000, "critical");
      expect(does(lost.plan())).toEqual(["start web.1.6 on h1 (start-missing)"]);
    });

    it("does the same for what is left there from a larger count: simulator seed 980092", () => {
      const lowered = aWorld()
        .withService("web", { count: 1 })
        .withInstance("web", 1, { state: "exited" })
        .withSlot("web", 1, { generation: 1, host: "h1" })
        .withSlot("web", 2, { generation: 1, host: "h2" })
        .withSilentHost("h2", T0 - 600_000, "passing");
      expect(does(lowered.plan())).toEqual([]);
      expect(summary(lowered.plan())).toBe("unknown: 0/1 healthy: 1 unknown");
      const lost = lowered.withSilentHost("h2", T0 - 600_000, "critical");
      expect(does(lost.plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
    });

    it("starts nothing at all for a service of which nothing is remembered", () => {
      const world = aWorld()
        .withService("web", { count: 2 })
        .withSilentHost("h2", T0 - 600_000, "passing");
      expect(does(world.plan())).toEqual([]);
      expect(holds(world.plan())).toEqual(["start-missing: silent-host", "start-missing: silent-host"]);
    });

    it("starts nothing after passes that were blind, and so have seen nothing", () => {
      const blind = aWorld()
        .withService("web", { count: 1, consul: null, health: null })
        .withSilentHost("h1", T0 - 1_000, "passing")
        .withSilentHost("h2", T0 - 1_000, "passing");
      const first = blind.plan();
      expect(first.memory.services["web"]?.status).toBe(3);
      const halfSeen = blind
        .after(1_000, first)
        .withHost("h2", { engine: known({ id: "h2" }, T0), silentSinceMs: null });
      const reason = "the engine of h1 does not answer: timeout";
      expect(does(halfSeen.seen("web", { silentHosts: { h1: reason } }).plan())).toEqual([]);
    });

    it("goes on so in the passes after the first, which remembers what it has seen elsewhere", () => {
      const met = aWorld()
        .withService("web", { count: 3 })
        .withInstance("web", 1)
        .withInstance("web", 2, { state: "exited" })
        .withSilentHost("h2", T0 - 600_000, "passing");
      const first = met.plan();
      expect(does(first)).toEqual([]);
      const second = met.after(60_000, first);
      expect(does(second.plan())).toEqual([]);
      expect(summary(second.plan())).toBe("unknown: 1/3 healthy: 2 unknown");
      const answering = second.withHosts("h1", "h2").seen("web", { silentHosts: {} });
      expect(does(answering.plan())).toEqual([
        "start web.2.2 on h2 (start-missing)",
        "start web.3.1 on h1 (start-missing)",
      ]);
    });

    it("still fills a slot that was on a host which answers", () => {
      const dead = web
        .without("web")
        .withInstance("web", 2, { on: "h2" })
        .withSilentHost("h2", T0 - 600_000);
      expect(does(dead.plan())).toEqual(["start web.1.2 on h1 (start-missing)"]);
    });

    it("still fills a slot that a larger count has added", () => {
      const raised = aWorld()
        .withService("web", { count: 3 })
        .withInstance("web", 1)
        .withInstance("web", 2, { on: "h2" })
        .withSlot("web", 1, { generation: 1, host: "h1" })
        .withSlot("web", 2, { generation: 1, host: "h2" })
        .withMemory("web", { registrations: 2 })
        .withSilentHost("h2", T0 - 600_000);
      expect(does(raised.plan())).toEqual(["start web.3.1 on h1 (start-missing)"]);
    });

    it("is not deceived by an older container of the slot on a host that answers", () => {
      const world = aWorld()
        .withService("web", { count: 1 })
        .withInstance("web", 1, { state: "exited", generation: 1 })
        .withSlot("web", 1, { generation: 2, host: "h2", confirmed: false })
        .withSilentHost("h2", T0 - 600_000, "passing");
      expect(does(world.plan())).toEqual([]);
    });
  });

  describe("once a host is lost", () => {
    const lost = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" })
      .withSlot("web", 1, { generation: 1, host: "h1" })
      .withSlot("web", 2, { generation: 1, host: "h2" });

    it("replaces its instances elsewhere, and blames nobody", () => {
      const planned = lost.withSilentHost("h2", T0 - 30_000, "critical").plan();
      expect(does(planned)).toEqual(["start web.2.2 on h1 (start-missing)"]);
      expect(planned.plan.services["web"]?.waves[0]?.[0]?.because.evidence).toBe(
        "slot 2 of 2 is empty: nothing runs in it; lost hosts: h2",
      );
      expect(planned.memory.services["web"]?.slots[2]).toMatchObject({ failuresAtMs: [], backOff: null });
      expect(summary(planned)).toBe("critical: 1/2 healthy: 1 missing");
    });

    it("waits until it has been silent for lostAfter, and looks again then", () => {
      const planned = lost.withSilentHost("h2", T0 - 29_999, "critical").plan();
      expect(does(planned)).toEqual([]);
      expect(planned.plan.services["web"]?.lookAgainAtMs).toBe(T0 + 1);
    });

    it.each(["passing", "absent"] as const)("does not take it for lost while Consul calls its node %s", (node) => {
      expect(does(lost.withSilentHost("h2", 0, node).plan())).toEqual([]);
    });

    it("does not take it for lost while nobody can ask Consul", () => {
      const world = lost.withSilentHost("h2", 0, "critical");
      const unasked = { kind: "unknown", reason: "Consul has no leader" } as const;
      expect(does(world.withHost("h2", { node: unasked }).plan())).toEqual([]);
    });

    it("takes the word of the Swarm managers as well", () => {
      const world = lost.withSilentHost("h2", 0, "passing");
      const down = { kind: "known", value: "down", atMs: T0 } as const;
      expect(does(world.withHost("h2", { swarmNode: down }).plan())).toEqual(["start web.2.2 on h1 (start-missing)"]);
    });

    it("remembers since when it is lost, until it answers again", () => {
      const gone = lost.withSilentHost("h2", T0 - 30_000, "critical");
      const first = gone.plan();
      expect(first.memory.fleet.lostHosts).toEqual({ h2: T0 });
      const later = gone.after(5_000, first).plan();
      expect(later.memory.fleet.lostHosts).toEqual({ h2: T0 });
      const back = gone.after(9_000, later).withHost("h2", { silentSinceMs: null }).seen("web", { silentHosts: {} });
      expect(back.plan().memory.fleet.lostHosts).toEqual({});
    });
  });

  it("says so when no host can take an instance", () => {
    const planned = aWorld()
      .withService("web", { placement: { hosts: ["h9"], maxPerHost: null } })
      .plan();
    expect(does(planned)).toEqual([]);
    expect(planned.plan.services["web"]?.holds.map(({ reason }) => reason)).toEqual([
      "none of its hosts is in the settings (h9)",
      "none of its hosts is in the settings (h9)",
    ]);
  });

  it("does not start what it has no template for", () => {
    const planned = aWorld().withService("web", { container: null }).plan();
    expect(holds(planned)).toEqual(["start-missing: no-template", "start-missing: no-template"]);
  });
});
