import { describe, expect, it } from "vitest";
import type { Service } from "../../src/model/service.ts";
import type { World } from "../builders/world.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { does, holds } from "./support/say.ts";

/** A service of one that trims its surplus now. */
function trimming(changes: Partial<Service> = {}): World {
  return aWorld()
    .withHosts("h1", "h2", "h3")
    .withService("web", { count: 1, surplus: { action: "trim", afterMs: 0 }, ...changes })
    .withFleet({ instances: 100 });
}

const victims = (world: World): readonly string[] =>
  does(world.withMemory("web", { surplusSinceMs: 0 }).looked().plan()).flatMap((said) => {
    const name = /^stop (\S+) /.exec(said)?.[1];
    return name === undefined ? [] : [name];
  });

describe("who goes first when there are too many", () => {
  it("is what was started by hand, then what has the highest slot beyond the count", () => {
    const world = trimming()
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2" })
      .withInstance("web", null, { on: "h3" });
    expect(victims(world)).toEqual(["web-by-hand", "web.2.1"]);
  });

  it("is an old specification rather than the present one", () => {
    const world = trimming({ count: 0 })
      .withInstance("web", 1, { on: "h1" })
      .withInstance("web", 2, { on: "h2", specHash: "older", forMs: 9_000_000 });
    expect(victims(world)[0]).toBe("web.2.1");
  });

  it("is an unhealthy one rather than a healthy one", () => {
    const world = trimming({ count: 0 })
      .withInstance("web", 1)
      .withInstance("web", 2, { on: "h2", consul: "critical" });
    expect(victims(world)[0]).toBe("web.2.1");
  });

  it("is one that starts rather than one that runs", () => {
    const world = trimming({ count: 0 })
      .withInstance("web", 1, { forMs: 9_000_000 })
      .withInstance("web", 2, { on: "h2", consul: "critical", forMs: 1_000 });
    expect(victims(world)[0]).toBe("web.2.1");
  });

  it("is on the most crowded host, and that is counted anew after each", () => {
    const world = trimming({ count: 0 })
      .withInstance("web", 1, { on: "h1", forMs: 1_000_000 })
      .withInstance("web", 2, { on: "h2", forMs: 2_000_000 })
      .withInstance("web", 3, { on: "h2", forMs: 3_000_000 })
      .withInstance("web", 4, { on: "h2", forMs: 4_000_000 });
    expect(victims(world)).toEqual(["web.2.1", "web.3.1", "web.1.1", "web.4.1"]);
  });

  it("is the newest of equals", () => {
    const world = trimming({ count: 0 })
      .withInstance("web", 1, { on: "h1", forMs: 5_000_000 })
      .withInstance("web", 2, { on: "h2", forMs: 4_000_000 });
    expect(victims(world)[0]).toBe("web.2.1");
  });

  it("is never one that a person has put in maintenance", () => {
    const world = trimming({ count: 0 }).withInstance("web", 1, { consul: "maintenance" });
    expect(victims(world)).toEqual([]);
  });

  describe("of a Redis service", () => {
    const redis = {
      downAfterMs: 1_000,
      masterTag: "master",
      replicaTag: "slave",
      minReplicasToWrite: 0,
      maxDataLossBytes: null,
      authority: "heal",
    } as const;

    it("is never the master, nor one that may be it", () => {
      const world = trimming({ count: 0, redis })
        .withInstance("web", 1, { registration: { tags: ["master"] } })
        .withInstance("web", 2, { on: "h2", registration: { tags: ["slave"] } })
        .withInstance("web", 3, { on: "h3", consul: "unlisted" });
      expect(victims(world)).toEqual(["web.2.1"]);
    });

    it("does not stop a superseded master either", () => {
      const world = aWorld()
        .withService("web", { count: 1, redis })
        .withInstance("web", 1, { generation: 1, registration: { tags: ["master"] } })
        .withInstance("web", 1, { generation: 2, on: "h2", registration: { tags: ["slave"] } })
        .looked();
      expect(holds(world.plan())).toContain("remove-superseded: redis-master");
    });
  });

  it("is nobody while all is as asked for", () => {
    expect(victims(trimming().withInstance("web", 1, { forMs: T0 }))).toEqual([]);
  });
});
