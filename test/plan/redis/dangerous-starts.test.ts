import { describe, expect, test } from "vitest";
import type { Action, StartInstance } from "../../../src/model/action.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { withRoles } from "../../../src/plan/redis/roles.ts";
import { aGroup, aNode, aPart, aReplica, cutOff } from "../../builders/redis.ts";

const start: StartInstance = {
  kind: "start-instance",
  service: "cache",
  host: "h1",
  slot: 1,
  generation: 2,
  name: "heal.live.cache.1.2",
  specHash: "",
  because: { rule: "start-missing", evidence: "slot 1 is empty" },
};
const ended = aPart(1, { state: "exited", tags: ["master"] });
const notElected = { priority: 0 };

/** What becomes of a start in the old master's place. */
function startOver(group: ReturnType<typeof aGroup>, action: Action = start) {
  const decision = decideRoles(group);
  const roles = { situation: { ...group, memory: decision.memory }, decision };
  const proposal = withRoles({ actions: [action], holds: [] }, roles);
  const hold = proposal.holds.find(({ because }) => because === action.because);
  return { goesOn: proposal.actions.includes(action), heldBy: hold?.heldBy ?? null, reason: hold?.reason ?? "" };
}

describe("a start that may get the address of the master that is gone", () => {
  test("waits while a replica that may have data looks to that address and may not be promoted", () => {
    const { heldBy, reason } = startOver(aGroup([ended, aPart(2, { says: cutOff(2, 1, 0, notElected) })]));
    expect(heldBy).toBe("redis-data");
    expect(reason).toContain("heal.live.cache.2.1 may have data and still follows 10.0.0.1:7001");
  });
  test("waits while a replica cannot be asked at this moment, be it the first look of a new heal", () => {
    const { instance, view } = aPart(2, { says: null, silentForMs: 100, tags: ["slave"] });
    if (view?.last == null) throw new Error("it runs");
    const silent = { instance, view: { ...view, last: { ...view.last, node: cutOff(2, 1) } } };
    expect(startOver(aGroup([ended, silent]))).toMatchObject({ heldBy: "redis-data" });
    const unheard = { instance, view: { ...view, last: null } };
    expect(startOver(aGroup([ended, unheard]))).toMatchObject({ heldBy: "redis-data" });
    const notAsked = { instance, view: { ...view, last: null, trouble: null } };
    expect(startOver(aGroup([ended, notAsked], { memory: { configured: {} } }))).toMatchObject({
      heldBy: "redis-data",
    });
  });
  test("goes on beside a master that refuses writes since too few replicas keep up: who starts is one of them", () => {
    const parts = [
      aPart(1, { says: aNode(1, { goodReplicas: 0 }), tags: ["master"] }),
      aPart(2, { says: cutOff(2, 9, 60_000) }),
    ];
    const group = aGroup(parts, { roles: { minReplicasToWrite: 1 } });
    expect(decideRoles(group).standing.kind).toBe("too-few-replicas");
    expect(startOver(group).goesOn).toBe(true);
  });
  test("waits while a person is asked whether the loss may be taken", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1) })], { roles: { maxDataLossBytes: 0 } });
    expect(decideRoles(group).standing.kind).toBe("too-much-loss");
    expect(startOver(group)).toMatchObject({ heldBy: "redis-data" });
  });
  test("waits in a group that was taken on without a master", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1) }), aPart(3, { says: cutOff(3, 1) })], { master: null });
    expect(startOver({ ...group, service: { ...group.service, count: 3 } })).toMatchObject({ heldBy: "redis-data" });
  });
  test("waits beside a master that began anew and empty, whose replica was on its way to another", () => {
    const anew = aPart(1, { says: aNode(1, { runId: "new", empty: true, offset: 0 }) });
    expect(startOver(aGroup([anew, aPart(2, { says: cutOff(2, 9, 60_000) })]))).toMatchObject({ heldBy: "redis-data" });
  });
  test("waits while Sentinel cannot be asked who takes over", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1) })], {
      roles: { authority: "sentinel" },
      sentinel: { kind: "unknown", reason: "no Sentinel answers" },
    });
    expect(startOver(group)).toMatchObject({ heldBy: "redis-data" });
  });
  test("waits as a scaling up of Compose and of Swarm does, and not as a scaling down", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1, 0, notElected) })]);
    const { service, because } = start;
    const swarm = { kind: "scale-swarm-service", id: "s", version: 1, from: 1, to: 2, service, because } as const;
    expect(startOver(group, swarm)).toMatchObject({ heldBy: "redis-data" });
    expect(startOver(group, { ...swarm, to: 0 })).toMatchObject({ goesOn: true });
  });
});

describe("a start goes on", () => {
  test("where the only replicas hold nothing", () => {
    const empty = aPart(2, { says: cutOff(2, 1, null, { empty: true, offset: 0 }) });
    expect(startOver(aGroup([ended, empty]))).toMatchObject({ goesOn: true });
  });
  test("on another host than the one whose address the replicas look to", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1, 0, notElected) })]);
    expect(startOver(group, { ...start, host: "h2" })).toMatchObject({ goesOn: true });
  });
  test("where a master has the data, whatever a replica looks to", () => {
    const group = aGroup([aPart(1, { says: aNode(1), tags: ["master"] }), aPart(2, { says: cutOff(2, 9) })]);
    expect(startOver(group)).toMatchObject({ goesOn: true });
  });
  test("where a replica is linked to somebody: his address is taken", () => {
    const group = aGroup([aPart(1, { says: aReplica(1, 9) }), aPart(2, { says: aReplica(2, 9) })], { master: null });
    expect(decideRoles(group).standing.kind).toBe("stranger");
    expect(startOver(group)).toMatchObject({ goesOn: true });
  });
  test("beside a new instance that nobody listens in, and that heal never made a replica", () => {
    const deaf = aPart(2, { trouble: "refused", silentForMs: 60_000 });
    if (deaf.view === null) throw new Error("it runs");
    const group = aGroup([ended, { ...deaf, view: { ...deaf.view, last: null } }], { memory: { configured: {} } });
    expect(startOver(group)).toMatchObject({ goesOn: true });
  });
  test("at the very first start", () => {
    expect(startOver(aGroup([], { master: null }))).toMatchObject({ goesOn: true });
    const first = aPart(1, { says: aNode(1, { empty: true, offset: 0 }) });
    expect(startOver(aGroup([first], { master: null }))).toMatchObject({ goesOn: true });
  });
});
