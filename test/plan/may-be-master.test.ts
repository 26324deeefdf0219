import { describe, expect, it } from "vitest";
import { mayBeMaster } from "../../src/plan/stop.ts";
import type { Counted } from "../../src/plan/stock.ts";
import { aNode, aPart, aReplica, roles, type RedisPart } from "../builders/redis.ts";
import { aService } from "../builders/service.ts";

const listed = aPart(1, { says: aNode(1), tags: ["master"] });

function isHeldForMaster(part: RedisPart, others: readonly RedisPart[] = [listed]): boolean {
  const parts = [part, ...others];
  const observed = {
    instances: parts.map(({ instance }) => instance),
    redis: { nodes: parts.flatMap(({ view }) => view ?? []), gone: {}, sentinel: null },
  };
  const situation = { service: aService("cache", { redis: roles }), observed } as unknown as Parameters<
    typeof mayBeMaster
  >[0];
  return mayBeMaster(situation, { instance: part.instance } as Counted);
}

describe("an instance of a Redis service that Consul does not list", () => {
  it("is not the master when it calls itself a replica (simulator seeds 900012, 900014)", () => {
    expect(isHeldForMaster(aPart(2, { says: aReplica(2, 1), registered: false }))).toBe(false);
  });

  it("may be it when it calls itself the master", () => {
    expect(isHeldForMaster(aPart(2, { says: aNode(2), registered: false }))).toBe(true);
  });

  it("may be it while it is silent, unless another one is listed as the master and says that it is", () => {
    const silent = aPart(2, { trouble: "silent", registered: false });
    expect(isHeldForMaster(silent)).toBe(false);
    expect(isHeldForMaster(silent, [])).toBe(true);
    expect(isHeldForMaster(silent, [aPart(1, { says: aReplica(1, 3), tags: ["master"] })])).toBe(true);
    expect(isHeldForMaster(silent, [aPart(1, { trouble: "silent", tags: ["master"] })])).toBe(true);
  });
});
