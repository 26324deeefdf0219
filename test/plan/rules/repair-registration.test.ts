import { describe, expect, it } from "vitest";
import type { Container } from "../../../src/model/instance.ts";
import { unknown } from "../../../src/model/known.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";

describe("repair-registration: Docker runs it, Consul does not list it", () => {
  const unlisted = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { consul: "unlisted" });

  it("never starts another for it", () => {
    expect(does(unlisted.plan())).toEqual([]);
    expect(does(unlisted.looked().plan())).not.toContain("start web.1.2 on h2 (start-missing)");
  });

  it("registers it when two consistent looks agree that it is not listed", () => {
    expect(holds(unlisted.plan())).toEqual(["register-unlisted: suspect"]);
    expect(unlisted.plan().plan.services["web"]?.needsLook).toBe("consistent");
    const once = unlisted.looked().seen("web", { agreeingReads: 1 });
    expect(does(once.plan())).toEqual([]);
    expect(once.plan().plan.services["web"]?.needsLook).toBe("consistent");
    expect(does(unlisted.looked().plan())).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
  });

  it("waits for its agent before it tells it again", () => {
    const first = unlisted.looked().plan();
    const again = unlisted.looked().after(9_999, first).plan();
    expect(does(again)).toEqual([]);
    expect(holds(again)).toEqual(["register-unlisted: in-flight"]);
    expect(does(unlisted.looked().after(10_000, first).plan())).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
  });

  describe("when it has just been started", () => {
    const young = aWorld().withService("web", { count: 1 }).withInstance("web", 1, { consul: "unlisted", forMs: 500 });

    it("suspects nobody: the registration takes its way", () => {
      const planned = young.plan();
      expect(planned.plan.services["web"]?.standing.trust).toBe("trusted");
      expect(planned.plan.services["web"]?.needsLook).toBeNull();
      expect(holds(planned)).toEqual(["register-unlisted: just-started"]);
      expect(planned.plan.services["web"]?.lookAgainAtMs).toBe(T0 + 2_000);
    });

    it("still starts what is missing beside it", () => {
      const two = young.withService("web", { count: 2 }).withInstance("web", 1, { consul: "unlisted", forMs: 500 });
      expect(does(two.plan())).toEqual(["start web.2.1 on h2 (start-missing)"]);
    });

    it("registers it after two seconds of our own clock, if looks agree", () => {
      const later = young.after(2_000, young.plan());
      expect(does(later.plan())).toEqual([]);
      expect(holds(later.plan())).toEqual(["register-unlisted: agreeing-reads"]);
      expect(does(later.looked().plan())).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
    });
  });

  it("registers anew what Docker has given another port", () => {
    const moved = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { registration: { port: 999 } });
    const planned = moved.looked().plan();
    expect(does(planned)).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
    expect(planned.plan.services["web"]?.waves[0]?.[0]?.because.evidence).toBe(
      "Consul sends clients of heal.live.web.1.1 to 10.0.0.1:999, where it is not",
    );
  });

  describe("an instance of an older specification", () => {
    const web = { container: 8080, host: 20_001, hostIp: "0.0.0.0", protocol: "tcp" } as const;
    const old = (ports: Container["ports"]) =>
      aWorld()
        .withService("web", { count: 1 })
        .withInstance("web", 1, { specHash: "older", registration: { port: 999 }, container: { ports } });

    it("is left where its own template put it", () => {
      const planned = old([web, { ...web, container: 9090, host: 999 }])
        .looked()
        .plan();
      expect(does(planned)).toEqual([]);
    });

    it("is registered anew when Docker has given it another port: it has none by the old one", () => {
      expect(does(old([web]).looked().plan())).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
    });
  });

  it("registers nothing for a service that is not to be registered", () => {
    const world = aWorld()
      .withService("web", { count: 2, consul: null })
      .withInstance("web", 1, { consul: "unlisted" })
      .withInstance("web", 2, { on: "h2", consul: "passing" });
    expect(does(world.looked().plan())).toEqual([]);
    expect(summary(world.looked().plan())).toBe("passing: 2/2 healthy");
  });

  it("leaves the slot's registration to the newer of two on one host", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 1, consul: "unlisted" })
      .withInstance("web", 1, { generation: 2, consul: "critical", forMs: 1_000 })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 60_000 } });
    expect(does(world.looked().plan())).toEqual([]);
    expect(world.plan().plan.services["web"]?.standing.trust).toBe("trusted");
  });
});

describe("repair-registration: Consul lists it, and no container stands behind it", () => {
  const ghost = aWorld()
    .withService("web", { count: 1 })
    .withInstance("web", 1, { on: "h2" })
    .withGhost("web", 1, "h1-node");

  it("takes it back after one consistent look, and never counts it", () => {
    expect(does(ghost.plan())).toEqual([]);
    expect(does(ghost.looked().plan())).toEqual(["deregister web.1 on h1-node (deregister-ghost)"]);
    expect(summary(ghost.plan())).toBe("passing: 1/1 healthy");
  });

  it("does so while something is started elsewhere in the service", () => {
    const world = aWorld().withService("web", { count: 1 }).withGhost("web", 2, "h1-node").looked();
    expect(does(world.plan())).toEqual([
      "deregister web.2 on h1-node (deregister-ghost)",
      "start web.1.1 on h1 (start-missing)",
    ]);
  });

  it("leaves it to be overwritten while an instance of its slot is on its way", () => {
    const empty = aWorld().withService("web", { count: 1 }).withGhost("web", 1, "h1-node").looked();
    const started = empty.after(100, empty.plan());
    expect(does(started.plan())).toEqual([]);
  });

  it("leaves it to be overwritten while an instance of its slot is not listed yet", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 2, forMs: 100, consul: "unlisted" })
      .withGhost("web", 1, "h1-node")
      .looked();
    expect(does(world.plan())).toEqual([]);
  });

  it("takes it back also of a service that is not to be registered any more", () => {
    const world = aWorld().withService("web", { count: 0, consul: null }).withGhost("web", 1, "h1-node").looked();
    expect(does(world.plan())).toEqual(["deregister web.1 on h1-node (deregister-ghost)"]);
  });

  it("leaves what somebody else has registered, and says so", () => {
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1)
      .withForeign("web", "registrator:web:80")
      .looked();
    expect(does(world.plan())).toEqual([]);
    expect(summary(world.plan())).toBe("warning: 1/1 healthy: 1 registered by somebody else");
  });

  it("takes nothing back while Consul does not answer", () => {
    const blind = ghost.looked().seen("web", { registry: unknown("Consul has no leader") });
    expect(does(blind.plan())).toEqual([]);
    expect(summary(blind.plan())).toBe("unknown: cannot tell: Consul has no leader");
  });
});
