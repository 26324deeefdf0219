import { describe, expect, test } from "vitest";
import type { StopInstance } from "../../../src/model/action.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { lookAgainWithRoles, standingWithRoles, withRoles } from "../../../src/plan/redis/roles.ts";
import type { RedisPart } from "../../builders/redis.ts";
import { aGroup, aNode, aPart, aReplica, cutOff } from "../../builders/redis.ts";
import { aStanding } from "../../builders/standing.ts";

const stop = (slot: number): StopInstance => ({
  kind: "stop-instance",
  service: "cache",
  host: "h1",
  containerId: `container-${slot}`,
  name: `heal.live.cache.${slot}.1`,
  registration: null,
  drainMs: 0,
  graceMs: 0,
  because: { rule: "drain", evidence: "h1 is drained" },
});

function rolesOver(...group: Parameters<typeof aGroup>) {
  const situation = aGroup(...group);
  const decision = decideRoles(situation);
  return { situation: { ...situation, memory: decision.memory }, decision };
}

describe("a stop of the master, whoever wants it", () => {
  test("becomes a hand-over to a replica first, and follows afterwards", () => {
    const roles = rolesOver([
      aPart(1, { says: aNode(1), tags: ["master"] }),
      aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
    ]);
    const proposal = withRoles({ actions: [stop(1)], holds: [] }, roles);
    expect(proposal.actions).toMatchObject([
      { kind: "switch-over", from: { containerId: "container-1" }, to: { containerId: "container-2" } },
    ]);
    expect(proposal.holds).toMatchObject([{ heldBy: "redis-master" }]);
  });
  test("becomes a hand-over where it refuses writes since too few replicas keep up as well", () => {
    const roles = rolesOver(
      [
        aPart(1, { says: aNode(1, { goodReplicas: 0 }), tags: ["master"] }),
        aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
      ],
      { roles: { minReplicasToWrite: 1 } },
    );
    expect(roles.decision.standing).toMatchObject({ kind: "too-few-replicas", writable: false });
    const proposal = withRoles({ actions: [stop(1)], holds: [] }, roles);
    expect(proposal.actions).toMatchObject([{ kind: "switch-over" }]);
    expect(proposal.holds).toMatchObject([{ heldBy: "redis-master" }]);
  });
  test("waits where nobody may take over", () => {
    const roles = rolesOver([
      aPart(1, { says: aNode(1), tags: ["master"] }),
      aPart(2, { says: aReplica(2, 1, { priority: 0 }), tags: ["slave"] }),
    ]);
    const proposal = withRoles({ actions: [stop(1)], holds: [] }, roles);
    expect(proposal.actions).toEqual([]);
    expect(proposal.holds).toMatchObject([{ heldBy: "redis-master" }]);
  });
});

describe("how a service stands", () => {
  const healthy = aStanding("cache", { status: 0, summary: "3/3 healthy" });
  const over = (parts: Parameters<typeof aGroup>[0], options: Parameters<typeof aGroup>[1] = {}) => {
    const situation = aGroup(parts, options);
    return standingWithRoles(healthy, { situation, decision: decideRoles(situation) });
  };
  const alone = aPart(1, { says: aNode(1), tags: ["master"] });
  const warnings: readonly (readonly [string, RedisPart])[] = [
    ["wrong-password", aPart(2, { trouble: "denied", tags: ["slave"] })],
    ["stranger", aPart(2, { says: aReplica(2, 9), tags: ["slave"] })],
    ["chain", aPart(2, { says: aReplica(2, 3), tags: ["slave"] })],
  ];
  test.each(warnings)("is a warning of that name where a node beside the master is %s", (kind, part) => {
    const third = aPart(3, { says: aReplica(3, 1), tags: ["slave"] });
    const standing = over([alone, part, third]);
    expect(standing).toMatchObject({ status: 1, redis: { kind, writable: true } });
    expect(standing.summary).toMatch(new RegExp(`3/3 healthy; redis: ${kind}, heal.live.cache.2.1 `));
  });
  test("is critical, and named so, where two could be the master and nobody is remembered", () => {
    const parts = [aPart(1, { says: aNode(1) }), aPart(2, { says: aNode(2, { replicationId: "another" }) })];
    expect(over(parts, { master: null })).toMatchObject({ status: 2, redis: { kind: "two-masters", writable: false } });
  });
  test("is critical, and named so, where nobody may take the master's place", () => {
    const parts = [aPart(1, { state: "exited" }), aPart(2, { says: cutOff(2, 1, 0, { priority: 0 }) })];
    expect(over(parts)).toMatchObject({ status: 2, redis: { kind: "none-eligible", writable: false } });
  });
});

test("a replica is stopped without more ado", () => {
  const roles = rolesOver([
    aPart(1, { says: aNode(1), tags: ["master"] }),
    aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
  ]);
  expect(withRoles({ actions: [stop(2)], holds: [] }, roles)).toMatchObject({ actions: [stop(2)], holds: [] });
});

test("a time to look again that has passed is not one to look again at once", () => {
  const roles = rolesOver([aPart(1, { says: aNode(1), tags: ["master"] })]);
  const { nowMs } = roles.situation;
  const overdue = { ...roles, decision: { ...roles.decision, lookAgainAtMs: nowMs - 5_000 } };
  expect(lookAgainWithRoles(null, overdue)).toBe(nowMs + 1_000);
  expect(lookAgainWithRoles(nowMs + 10, overdue)).toBe(nowMs + 10);
});
