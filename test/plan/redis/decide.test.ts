import { describe, expect, test } from "vitest";
import type { RedisMemory, RedisNode } from "../../../src/model/redis.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import type { RedisSituation } from "../../../src/plan/redis/situation.ts";
import { addressOf, aGroup, aNode, aPart, aReplica, cutOff, NOW_MS, empty } from "../../builders/redis.ts";
import { kinds } from "./kinds.ts";

const changeTo = (slot: number): RedisMemory["change"] => ({
  epoch: 2,
  cause: "switchover",
  from: null,
  to: { containerId: `container-${slot}`, name: `heal.live.cache.${slot}.1`, runId: `run-${slot}` },
  gapBytes: 0,
  sinceMs: NOW_MS - 20,
});

describe("a master that has become the replica of one that cannot be asked", () => {
  const parts = (silentForMs: number) => [
    aPart(1, { says: aReplica(1, 2) }),
    aPart(2, { says: null, silentForMs }),
    aPart(3, { says: cutOff(3, 2) }),
  ];
  test("is not promoted back, since the other may be the master by now (simulator seed 225)", () => {
    for (const memory of [{}, { change: changeTo(2) }]) {
      const decision = decideRoles(aGroup(parts(100), { memory }));
      expect(decision.actions).toEqual([]);
      expect(decision.standing).toMatchObject({ kind: "master-silent", writable: false });
    }
  });
  test("loses its tag all the same", () => {
    const [first, ...others] = parts(100);
    const tagged = aPart(1, { says: first?.view?.last?.node ?? null, tags: ["master"] });
    expect(decideRoles(aGroup([tagged, ...others])).actions).toMatchObject([{ kind: "retag-roles", master: null }]);
  });
  test("makes way for another one once that has been silent for long, and nobody hears of it", () => {
    const silent = [aPart(1, { says: cutOff(1, 2) }), ...parts(5_000).slice(1)];
    expect(decideRoles(aGroup(silent)).actions).toMatchObject([
      { kind: "promote-replica", from: { containerId: "container-2" }, fence: "stop-container" },
    ]);
  });
});

describe("a master that was made a replica of its own replica", () => {
  const group = (offset: number, changes: Partial<RedisNode> = {}): RedisSituation => {
    const parts = [aPart(1, { says: aReplica(1, 2, { offset, ...changes }) }), aPart(2, { says: aReplica(2, 1) })];
    return aGroup(parts, { memory: { downSinceMs: NOW_MS - 5_000 }, roles: { maxDataLossBytes: 600 } });
  };
  test("is followed by that one, since what would be lost is known: it speaks itself (simulator seed 930499)", () => {
    expect(decideRoles(group(100)).actions).toMatchObject([
      { kind: "promote-replica", cause: "demoted", to: { containerId: "container-2" }, gapBytes: 0 },
    ]);
    expect(decideRoles(group(100)).actions).toMatchObject([{ others: [{ containerId: "container-1" }] }]);
  });
  test("or of a stranger that it was never linked to takes its place again where nobody else can (simulator seed 952367)", () => {
    const alone = (follows: Partial<RedisNode["follows"]>, priority = 100): RedisSituation => {
      const link = { master: { host: "10.8.8.8", port: 6379 }, up: false, syncing: false, downForMs: null, ...follows };
      return aGroup([aPart(1, { says: aReplica(1, 1, { follows: link, priority }) })], {
        memory: { downSinceMs: NOW_MS - 5_000 },
      });
    };
    expect(decideRoles(alone({})).actions).toMatchObject([
      { kind: "promote-replica", from: { containerId: "container-1" }, to: { containerId: "container-1" }, others: [] },
    ]);
    expect(decideRoles(alone({ up: true, downForMs: 0 })).standing.kind).toBe("none-eligible");
    // Nor is one of priority 0 (simulator seed 40).
    expect(decideRoles(alone({}, 0)).standing.kind).toBe("none-eligible");
  });
  test("is not where more would be lost than is allowed", () => {
    expect(decideRoles(group(1_000)).standing.kind).toBe("too-much-loss");
    expect(decideRoles(group(1, { replicationId: "a stranger's" })).standing.kind).toBe("too-much-loss");
  });
});

describe("while the master is well", () => {
  const tagged = [
    aPart(1, { says: aNode(1), tags: ["master"] }),
    aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
    aPart(3, { says: aReplica(3, 1), tags: ["slave"] }),
  ];
  test("nothing is done to what is right", () => {
    expect(decideRoles(aGroup(tagged))).toMatchObject({
      actions: [],
      holds: [],
      standing: { kind: "well" },
      busy: false,
    });
  });
  test("tags that a registration has lost or brought back are put right in one action", () => {
    const parts = [tagged[0], aPart(2, { says: aReplica(2, 1), tags: ["master"] }), aPart(3, { says: aReplica(3, 1) })];
    const decision = decideRoles(aGroup(parts.filter((part) => part !== undefined)));
    expect(decision.actions).toMatchObject([
      {
        kind: "retag-roles",
        master: "n1/heal.live.cache.1",
        replicas: ["n1/heal.live.cache.2", "n1/heal.live.cache.3"],
      },
    ]);
  });
  test("a replica that does not answer keeps its tag, and loses the master's", () => {
    const silent = aPart(2, { says: null, tags: ["slave"] });
    expect(kinds(aGroup([tagged[0] ?? silent, silent]))).toEqual([]);
    const claims = aPart(2, { says: null, tags: ["master"] });
    expect(decideRoles(aGroup([tagged[0] ?? claims, claims])).actions).toMatchObject([
      { unsure: ["n1/heal.live.cache.2"] },
    ]);
  });
  test("an old master that is back is made a replica, and has no tag until it is one", () => {
    const back = aPart(2, { says: aNode(2, { replicationId: "before", offset: 50 }), tags: ["master"] });
    const master = aPart(1, { says: aNode(1, { secondReplicationId: "before", secondOffset: 60 }), tags: ["master"] });
    expect(decideRoles(aGroup([master, back])).actions).toMatchObject([
      { kind: "attach-replica", node: { containerId: "container-2" }, keepAsideAs: null },
      { kind: "retag-roles", master: "n1/heal.live.cache.1", replicas: [], unsure: [] },
    ]);
  });
  test("what an old master has written after the promotion is kept aside", () => {
    const back = aPart(2, { says: aNode(2, { replicationId: "before", offset: 61 }) });
    const master = aPart(1, { says: aNode(1, { secondReplicationId: "before", secondOffset: 60 }), tags: ["master"] });
    const decision = decideRoles(aGroup([master, back]));
    expect(decision.actions[0]).toMatchObject({ kind: "attach-replica", keepAsideAs: "diverged-1-run-2" });
    expect(decision.standing.kind).toBe("diverged");
  });
  test.each([
    ["a stranger", 9, "stranger"],
    ["another replica", 3, "chain"],
  ])("a replica of %s is re-pointed", (_what, of, kind) => {
    const parts = [tagged[0], aPart(2, { says: aReplica(2, of) }), tagged[2]].filter((part) => part !== undefined);
    const decision = decideRoles(aGroup(parts));
    expect(decision.actions[0]).toMatchObject({ kind: "attach-replica", node: { containerId: "container-2" } });
    expect(decision.standing.kind).toBe(kind);
  });
  test("a replica that refuses the password is named, and the rest goes on", () => {
    const parts = [...tagged.slice(0, 2), aPart(3, { trouble: "denied", tags: ["slave"] })];
    expect(decideRoles(aGroup(parts))).toMatchObject({
      actions: [],
      standing: { kind: "wrong-password", writable: true },
    });
  });
  test("who has nothing to be kept aside goes first, since the master may take no writes until somebody follows", () => {
    const decision = decideRoles(
      aGroup([
        aPart(1, { says: aNode(1), tags: ["master"] }),
        aPart(2, { says: aNode(2, { replicationId: "another" }) }),
        aPart(3, { says: aNode(3, { replicationId: "", offset: 0, empty: true }) }),
      ]),
    );
    expect(decision.actions).toMatchObject([{ kind: "attach-replica", node: { containerId: "container-3" } }]);
    expect(decision.holds).toMatchObject([{ heldBy: "one-at-a-time" }]);
    expect(decision.standing.kind).toBe("diverged");
  });
  test("nobody is attached while another copies all data", () => {
    const syncing = aPart(2, {
      says: aReplica(2, 1, { follows: { master: addressOf(1), up: false, syncing: true, downForMs: null } }),
    });
    const decision = decideRoles(aGroup([tagged[0] ?? syncing, syncing, aPart(3, { says: aNode(3, empty) })]));
    expect(decision.actions).toEqual([]);
    expect(decision.holds).toMatchObject([{ heldBy: "one-at-a-time" }]);
  });
  test("another of ours that was made the master by somebody else is it from now on", () => {
    const parts = [aPart(1, { says: aReplica(1, 2), tags: ["master"] }), aPart(2, { says: aNode(2), tags: ["slave"] })];
    const decision = decideRoles(aGroup(parts));
    expect(decision.memory).toMatchObject({ epoch: 2, master: { containerId: "container-2" } });
    expect(decision.actions).toMatchObject([
      { kind: "retag-roles", master: "n1/heal.live.cache.2", replicas: ["n1/heal.live.cache.1"] },
    ]);
  });
  test("a person's wish for another master is a hand-over, not a failover", () => {
    const wish = { kind: "switchover", to: "3", untilMs: NOW_MS + 1 } as const;
    expect(decideRoles(aGroup(tagged, { memory: { wish } })).actions).toMatchObject([
      { kind: "switch-over", from: { containerId: "container-1" }, to: { containerId: "container-3" } },
    ]);
  });
  test("a master that cannot save its data is named, and stays the master", () => {
    const parts = [
      aPart(1, { says: aNode(1, { cannotSave: true }), tags: ["master"] }),
      aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
    ];
    expect(decideRoles(aGroup(parts))).toMatchObject({
      actions: [],
      standing: { kind: "cannot-save", writable: true },
    });
  });
  test("a master that refuses writes since its replicas do not keep up is named, and stays the master", () => {
    const standing = (goodReplicas: number) => {
      const parts = [
        aPart(1, { says: aNode(1, { goodReplicas }), tags: ["master"] }),
        aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
      ];
      const { standing, masterId } = decideRoles(aGroup(parts, { roles: { minReplicasToWrite: 1 } }));
      expect(masterId).toBe("container-1");
      return standing;
    };
    const sentence = expect.stringContaining("0 of its replicas keep up with it, and minReplicasToWrite is 1");
    expect(standing(0)).toMatchObject({ kind: "too-few-replicas", sentence, writable: false });
    expect(standing(1).writable).toBe(true);
  });
  test("a replica whose link stays down is named, also one that has never been linked", () => {
    const standing = (downForMs: number | null, heardMsAgo: number, syncing = false) => {
      const follows = { master: addressOf(1), up: false, syncing, downForMs };
      const parts = [
        aPart(1, { says: aNode(1), tags: ["master"] }),
        aPart(2, { says: aReplica(2, 1, { follows }), heardMsAgo, tags: ["slave"] }),
      ];
      return decideRoles(aGroup(parts)).standing;
    };
    const named = (seconds: number) => ({
      kind: "replicas-lag-behind",
      sentence: `heal.live.cache.2.1 has been without the master for ${seconds} s`,
      writable: true,
    });
    expect(standing(16_000, 0)).toEqual(named(16));
    expect(standing(15_000, 60_000).kind).toBe("starting");
    expect(standing(null, 16_000)).toEqual(named(16));
    expect(standing(null, 15_000).kind).toBe("starting");
    expect(standing(null, 16_000, true).kind).toBe("starting");
  });
  test("a wish that nobody can fulfil leaves all as it is, and says so", () => {
    const wish = { kind: "switchover", to: "nobody", untilMs: NOW_MS + 1 } as const;
    const decision = decideRoles(aGroup(tagged, { memory: { wish } }));
    expect(decision.actions).toEqual([]);
    expect(decision.holds[0]?.reason).toContain("no replica of that name");
  });
});

describe("a master that was started anew", () => {
  const fresh = (changes = {}) => aPart(1, { says: aNode(1, { runId: "new", ...changes }), tags: ["master"] });
  test("gives way to a replica that has its data", () => {
    const group = aGroup([fresh(empty), aPart(2, { says: cutOff(2, 1) })]);
    expect(decideRoles(group).actions).toMatchObject([{ kind: "promote-replica", cause: "restarted" }]);
  });
  test("also while it is still loading", () => {
    expect(kinds(aGroup([fresh({ loading: true }), aPart(2, { says: cutOff(2, 1) })]))).toEqual(["promote-replica"]);
  });
  test("never serves empty while another may have data: it loses its tag and a person is told", () => {
    const group = aGroup([fresh(empty), aPart(2, { says: cutOff(2, 1, 500_000), tags: ["slave"] })]);
    const decision = decideRoles(group);
    expect(decision.actions).toMatchObject([{ kind: "retag-roles", master: null }]);
    expect(decision.standing).toMatchObject({ kind: "none-eligible", writable: false });
  });
  test("gives way to one that has been without it since its container began anew, also when heal was away (simulator seed 930553)", () => {
    const group = (startedMsAgo: number): RedisSituation => {
      const one = aGroup([fresh(empty), aPart(2, { says: cutOff(2, 1, 500_000) })], {
        memory: { masterSinceMs: 1_000 },
      });
      const instances = one.instances.map((instance) => ({
        ...instance,
        container: { ...instance.container, startedAtMs: NOW_MS - startedMsAgo },
      }));
      return { ...one, instances };
    };
    expect(kinds(group(500_000))).toEqual(["promote-replica"]);
    expect(decideRoles(group(300_000)).standing.kind).toBe("none-eligible");
    // It ran before it was the master: its process began anew within, nobody knows when.
    expect(decideRoles(group(NOW_MS - 500)).standing.kind).toBe("none-eligible");
  });
  test("also to one that has been without it since its process was seen to end, which Memory could not be told (simulator seed 953402)", () => {
    const group = (endedMsAgo: number | null) => {
      const endedByMs = endedMsAgo === null ? null : NOW_MS - endedMsAgo;
      const gone = { "run-1": { node: aNode(1), atMs: NOW_MS - 500_500, endedByMs } };
      return aGroup([fresh(empty), aPart(2, { says: cutOff(2, 1, 500_000) })], { gone });
    };
    expect(kinds(group(499_000))).toEqual(["promote-replica"]);
    expect(decideRoles(group(null)).standing.kind).toBe("none-eligible");
    expect(decideRoles(group(300_000)).standing.kind).toBe("none-eligible");
  });
  test("goes on with what was on its disk where nobody has more", () => {
    const decision = decideRoles(aGroup([fresh()]));
    expect(decision.memory.master?.runId).toBe("new");
  });
  test("goes on where its replicas are empty and it is not: it was written to since (seed -420696812)", () => {
    const replica = aPart(2, { says: cutOff(2, 1, 0, { empty: true, offset: 0 }) });
    expect(decideRoles(aGroup([fresh(), replica])).memory.master?.runId).toBe("new");
  });
  test("goes on empty where it is the only one", () => {
    expect(decideRoles(aGroup([fresh(empty)])).memory.master?.runId).toBe("new");
  });
});
