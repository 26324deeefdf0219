import { describe, expect, test } from "vitest";
import type { StopInstance } from "../../../src/model/action.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { lookAgainWithRoles, withRoles } from "../../../src/plan/redis/roles.ts";
import { aGroup, aNode, aPart, aReplica } from "../../builders/redis.ts";

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

function rolesOver(parts: Parameters<typeof aGroup>[0]) {
  const situation = aGroup(parts);
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
