import { describe, expect, it } from "vitest";
import type { Binding } from "../../../src/model/observation.ts";
import type { Service } from "../../../src/model/service.ts";
import type { InstanceFacts } from "../../builders/world.ts";
import { aWorld, T0 } from "../../builders/world.ts";
import { does, holds, summary } from "../support/say.ts";

const adopted = { runtime: null, container: null, health: null, consul: null, specHash: null } as const;

function compose(unscalable: string | null = null): Binding {
  return {
    kind: "compose",
    host: "h1",
    project: "shop",
    composeService: "web",
    configFiles: ["/srv/shop/compose.yaml"],
    workingDirectory: "/srv/shop",
    unscalable,
  };
}

function one(number: number, facts: InstanceFacts = {}): InstanceFacts {
  const container = { id: `c${number}`, name: `shop-web-${number}`, service: null };
  return { ...facts, container: { ...container, ...facts.container } };
}

const world = (changes: Partial<Service> = {}, unscalable: string | null = null) =>
  aWorld()
    .withService("web", { ...adopted, ...changes })
    .withBinding("web", compose(unscalable));

describe("scale-compose", () => {
  it("leaves alone what runs as often as asked for", () => {
    const whole = world().withInstance("web", null, one(1)).withInstance("web", null, one(2));
    expect(does(whole.plan())).toEqual([]);
    expect(summary(whole.plan())).toBe("passing: 2/2 healthy");
  });

  it("scales back up what has ended", () => {
    const short = world()
      .withInstance("web", null, one(1))
      .withInstance("web", null, one(2, { state: "exited" }));
    expect(does(short.plan())).toEqual(["scale Compose shop/web on h1 from 1 to 2 (scale-compose)"]);
    expect(short.plan().plan.services["web"]?.waves[0]?.[0]).toMatchObject({
      configFiles: ["/srv/shop/compose.yaml"],
      workingDirectory: "/srv/shop",
      because: { evidence: "1 of 2 containers of shop/web run" },
    });
  });

  it("does not tell it twice while the first is on its way", () => {
    const short = world().withInstance("web", null, one(1));
    const first = short.plan();
    expect(holds(short.after(1_000, first).plan())).toEqual(["scale-compose: in-flight"]);
  });

  it("refuses what cannot be scaled beyond one, with the reason", () => {
    const short = world({}, "it has a container_name").withInstance("web", null, one(1));
    expect(does(short.plan())).toEqual([]);
    expect(short.plan().plan.services["web"]?.holds[0]?.reason).toBe("it has a container_name");
  });

  it("still brings back the one that it may have", () => {
    const single = world({ count: 1 }, "it is built from a Dockerfile");
    expect(does(single.plan())).toEqual(["scale Compose shop/web on h1 from 0 to 1 (scale-compose)"]);
  });

  it("waits for a host that does not answer", () => {
    const silent = world()
      .withInstance("web", null, one(1))
      .withSilentHost("h1", T0 - 1_000);
    expect(does(silent.plan())).toEqual([]);
    expect(holds(silent.plan())).toEqual(["scale-compose: silent-host"]);
  });

  it("takes an unhealthy container away, and scales back up afterwards", () => {
    const sick = world()
      .withInstance("web", null, one(1, { health: "unhealthy" }))
      .withInstance("web", null, one(2))
      .withMemory("web", { notPassingSinceMs: { c1: T0 - 60_000 } })
      .looked();
    const first = sick.plan();
    expect(does(first)).toEqual(["stop shop-web-1 on h1 (replace-unhealthy)"]);
    const gone = sick.after(1_000, first).without("web").withInstance("web", null, one(2));
    expect(does(gone.plan())).toEqual(["scale Compose shop/web on h1 from 1 to 2 (scale-compose)"]);
  });

  it("counts what is more than asked for, unhealthy ones too", () => {
    const more = world({ count: 1 })
      .withInstance("web", null, one(1))
      .withInstance("web", null, one(2, { health: "unhealthy" }));
    expect(summary(more.plan())).toBe("warning: 1/1 healthy: 1 unhealthy, 1 more than asked for");
  });

  it("waits for the registration of a new container where somebody registers its like", () => {
    const listed = { consul: "passing", registration: { meta: {} } } as const;
    const fresh = world()
      .withInstance("web", null, one(1, listed))
      .withInstance("web", null, one(2, { forMs: 500 }));
    expect(summary(fresh.plan())).toBe("critical: 1/2 healthy: 1 starting");
    expect(does(fresh.looked().plan())).toEqual([]);
  });

  it("remembers what it was, so that it can be brought back when nothing of it is left", () => {
    const remembered = world().withInstance("web", null, one(1)).plan().memory.services["web"]?.binding;
    expect(remembered).toEqual(compose());
  });
});

describe("report-only", () => {
  it("says of a service with nothing to adopt what is missing", () => {
    const none = aWorld().withService("web", adopted).withBinding("web", {
      kind: "none",
      reason: "there is neither a Swarm service nor a Compose project called web",
    });
    expect(does(none.plan())).toEqual([]);
    expect(holds(none.plan())).toEqual(["adopt: nothing-to-adopt"]);
    expect(summary(none.plan())).toBe("critical: 0/2 healthy: 2 missing");
  });

  it("leaves an older specification running, and says so", () => {
    const old = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1, { specHash: "older" })
      .withInstance("web", 2, { on: "h2", specHash: "older" })
      .looked();
    expect(does(old.plan())).toEqual([]);
    expect(old.plan().plan.services["web"]?.holds.map(({ because }) => because.evidence)).toEqual([
      "2 instances run an older specification",
    ]);
    expect(summary(old.plan())).toBe("passing: 2/2 healthy");
  });
});
