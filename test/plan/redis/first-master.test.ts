import { describe, expect, test } from "vitest";
import type { RedisMemory } from "../../../src/model/redis.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { addressOf, aGroup, aNode, aPart, aReplica, cutOff, NOW_MS, empty } from "../../builders/redis.ts";

describe("the first master", () => {
  test("is no empty one that calls itself a master while replicas have data (simulator seed 234)", () => {
    const parts = [
      aPart(1, { says: aNode(1, empty) }),
      aPart(2, { says: cutOff(2, 9) }),
      aPart(3, { says: cutOff(3, 2) }),
    ];
    const decision = decideRoles(aGroup(parts, { master: null }));
    expect(decision.memory.master).toBeNull();
    expect(decision.actions).toMatchObject([{ kind: "promote-replica", to: { containerId: "container-2" } }]);
  });
  test("is no empty one at the address of the master that is gone, whose replica has the data (simulator seed 930063)", () => {
    const parts = [aPart(1, { says: aNode(1, empty) }), aPart(2, { says: cutOff(2, 1, 60_000) })];
    const decision = decideRoles(aGroup(parts, { master: null }));
    expect(decision.memory.master).toBeNull();
    expect(decision.actions).toMatchObject([{ kind: "promote-replica", to: { containerId: "container-2" } }]);
  });
  test("is no empty one that has the tag still, while its replica has the data (simulator seed 951242)", () => {
    const parts = [aPart(1, { says: aNode(1, empty), tags: ["master"] }), aPart(2, { says: cutOff(2, 1, 60_000) })];
    expect(decideRoles(aGroup(parts, { master: null })).actions).toMatchObject([
      { kind: "promote-replica", to: { containerId: "container-2" } },
    ]);
    const flushed = aPart(1, { says: aNode(1, { empty: true }), tags: ["master"] });
    const behind = aPart(2, { says: cutOff(2, 1, 0, { offset: 90 }) });
    expect(decideRoles(aGroup([flushed, behind], { master: null })).memory.master?.containerId).toBe("container-1");
  });
  test("is the first slot's where all are new, and the others are attached one at a time", () => {
    const parts = [1, 2, 3].map((slot) =>
      aPart(slot, { says: aNode(slot, { ...empty, replicationId: `fresh-${slot}` }) }),
    );
    const decision = decideRoles(aGroup(parts, { master: null }));
    expect(decision.memory.master).toMatchObject({ containerId: "container-1", runId: "run-1" });
    expect(decision.actions).toMatchObject([
      { kind: "attach-replica", node: { containerId: "container-2" }, keepAsideAs: null },
      { kind: "retag-roles", master: "n1/heal.live.cache.1", replicas: [] },
    ]);
    expect(decision.holds).toMatchObject([{ heldBy: "one-at-a-time" }]);
  });
  test("is waited for without looking again and again while no instance runs (simulator seed 900084)", () => {
    const group = aGroup([], { master: null, memory: { waitingSinceMs: 0 } });
    const decision = decideRoles({ ...group, nowMs: 600_000 });
    expect(decision.holds).toMatchObject([{ heldBy: "starting", untilMs: null }]);
    expect(decision.lookAgainAtMs).toBeNull();
  });
  test("is taken as it is found", () => {
    const parts = [
      aPart(1, { says: aReplica(1, 2) }),
      aPart(2, { says: aNode(2) }),
      aPart(3, { says: aReplica(3, 2) }),
    ];
    const decision = decideRoles(aGroup(parts, { master: null }));
    expect(decision.memory.master?.containerId).toBe("container-2");
    expect(decision.actions).toMatchObject([
      {
        kind: "retag-roles",
        master: "n1/heal.live.cache.2",
        replicas: ["n1/heal.live.cache.1", "n1/heal.live.cache.3"],
      },
    ]);
  });
  test("waits for the others of the same start", () => {
    const parts = [aPart(1, { says: aNode(1, empty) }), aPart(2, { state: "created" })];
    const decision = decideRoles(aGroup(parts, { master: null }));
    expect(decision).toMatchObject({ actions: [], standing: { kind: "starting" }, memory: { waitingSinceMs: NOW_MS } });
  });
  test("is not chosen while somebody cannot be asked", () => {
    const parts = [aPart(1, { says: aNode(1, empty) }), aPart(2, { says: null })];
    expect(decideRoles(aGroup(parts, { master: null }))).toMatchObject({ actions: [], standing: { kind: "unseen" } });
  });
  test("is not chosen while a host that may have it is silent", () => {
    const group = aGroup([aPart(1, { says: aNode(1, empty) })], { master: null, silentHosts: { h2: "no route" } });
    expect(decideRoles(group)).toMatchObject({ actions: [], standing: { kind: "unseen" } });
  });
  test("is left to a person where two have data of their own", () => {
    const parts = [aPart(1, { says: aNode(1) }), aPart(2, { says: aNode(2, { replicationId: "other" }) })];
    const decision = decideRoles(aGroup(parts, { master: null }));
    expect(decision).toMatchObject({ actions: [], standing: { kind: "two-masters", writable: false } });
    expect(decision.memory.master).toBeNull();
  });
  test("of two is the one that a person names, and the other's data is kept aside", () => {
    const parts = [aPart(1, { says: aNode(1) }), aPart(2, { says: aNode(2, { replicationId: "other" }) })];
    const wish = { kind: "promote", to: "2", untilMs: NOW_MS + 1 } as const;
    const decision = decideRoles(aGroup(parts, { master: null, memory: { wish } }));
    expect(decision.memory.master?.containerId).toBe("container-2");
    expect(decision.actions[0]).toMatchObject({
      kind: "attach-replica",
      keepAsideAs: expect.stringContaining("diverged"),
    });
  });
  test("is the one in the old master's place after everything was lost at once", () => {
    const parts = [
      aPart(1, { says: aNode(1, { runId: "new" }) }),
      aPart(2, { says: aNode(2, { replicationId: "other" }) }),
    ];
    const memory: Partial<RedisMemory> = {
      master: { containerId: "long-gone", name: "x", host: "h1", slot: 2, runId: "old", peer: addressOf(9) },
    };
    expect(decideRoles(aGroup(parts, { memory })).memory.master?.containerId).toBe("container-2");
  });
});
