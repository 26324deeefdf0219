import { describe, expect, test } from "vitest";
import type { RedisMemory } from "../../../src/model/redis.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { intendRoles, learnRoles } from "../../../src/plan/redis/memory.ts";
import { aGroup, aNode, aPart, aReplica, cutOff, NOW_MS } from "../../builders/redis.ts";
import { kinds } from "./kinds.ts";
import type { RedisPart } from "../../builders/redis.ts";

const ended = aPart(1, { state: "exited", tags: ["master"] });
const promoted = (group: Parameters<typeof decideRoles>[0]) =>
  decideRoles(group).actions.flatMap((action) => (action.kind === "promote-replica" ? [action] : []))[0];

describe("a master whose container has ended", () => {
  test("is replaced at once by its best replica, and the others follow that one", () => {
    const group = aGroup([
      ended,
      aPart(2, { says: cutOff(2, 1) }),
      aPart(3, { says: cutOff(3, 1, 0, { offset: 120 }) }),
    ]);
    const action = promoted(group);
    expect(action).toMatchObject({ cause: "gone", epoch: 2, fence: "none", to: { containerId: "container-3" } });
    expect(action?.others.map(({ containerId }) => containerId)).toEqual(["container-2"]);
    expect(action?.from).toMatchObject({ containerId: "container-1", registration: "n1/heal.live.cache.1" });
    expect(decideRoles(group)).toMatchObject({ busy: true, standing: { kind: "failing-over", writable: false } });
  });

  test("also when nothing of the container is left", () => {
    const group = aGroup([aPart(2, { says: cutOff(2, 1) }), aPart(3, { says: cutOff(3, 1) })], { master: null });
    const memory = { ...group.memory, master: aGroup([aPart(1)]).memory.master };
    expect(promoted({ ...group, memory })).toMatchObject({ cause: "gone" });
  });

  test("is not taken for ended because its host does not answer", () => {
    const group = aGroup([aPart(2, { says: aReplica(2, 1) })], { silentHosts: { h1: "no route" }, master: null });
    const memory = { ...group.memory, master: aGroup([aPart(1)]).memory.master };
    expect(decideRoles({ ...group, memory })).toMatchObject({ actions: [], standing: { kind: "master-silent" } });
  });

  test("has the missing bytes of the history told before the promotion", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1, 0, { offset: 90 }) })], {
      gone: { "run-1": { node: aNode(1, { offset: 130 }), atMs: NOW_MS - 100, endedByMs: null } },
    });
    const action = promoted(group);
    expect(action?.gapBytes).toBe(40);
    expect(action?.because.evidence).toContain("40 bytes");
  });
});

describe("which replica may be promoted", () => {
  const alone = (part: RedisPart) => decideRoles(aGroup([ended, part]));
  const refusals: readonly (readonly [string, RedisPart, string])[] = [
    ["one of which only old things are known", aPart(2, { says: cutOff(2, 1), ageMs: 1_500 }), "too old"],
    ["one of priority 0", aPart(2, { says: cutOff(2, 1, 0, { priority: 0 }) }), "priority is 0"],
    ["one that hides itself", aPart(2, { says: cutOff(2, 1, 0, { announced: false }) }), "hides itself"],
    ["one that loads its data", aPart(2, { says: cutOff(2, 1, 0, { loading: true }) }), "loading"],
    [
      "one without a complete copy",
      aPart(2, { says: cutOff(2, 1, null, { replicationId: "its own" }) }),
      "not complete",
    ],
    [
      "one that copied from whoever got the address",
      aPart(2, { says: aReplica(2, 1, { replicationId: "other" }) }),
      "history",
    ],
    ["one that has been without the master for too long", aPart(2, { says: cutOff(2, 1, 11_000) }), "11 s"],
    ["one that follows a stranger", aPart(2, { says: cutOff(2, 9) }), "not the master"],
  ];
  test.each(refusals)("not %s", (_what, part, reason) => {
    const decision = alone(part);
    expect(decision.actions.filter(({ kind }) => kind === "promote-replica")).toEqual([]);
    expect(decision.standing).toMatchObject({ kind: "none-eligible", writable: false });
    expect(decision.standing.sentence).toContain(reason);
  });

  test("not one that does not answer: whoever it is may be asked again", () => {
    const decision = alone(aPart(2, { says: null }));
    expect(decision).toMatchObject({ actions: [{ kind: "retag-roles", master: null }], standing: { kind: "unseen" } });
  });

  test("one that was re-pointed and not linked since, if its data is of the master's history and not beyond it", () => {
    const last = aNode(1, { replicationId: "new", secondReplicationId: "history", secondOffset: 100 });
    const gone = { "run-1": { node: last, atMs: NOW_MS, endedByMs: null } };
    const of = (changes: Parameters<typeof cutOff>[3]) =>
      kinds(aGroup([ended, aPart(2, { says: cutOff(2, 1, null, changes) })], { gone }))[0];
    expect(of({ offset: 90 })).toBe("promote-replica");
    expect(of({ offset: 101 })).not.toBe("promote-replica");
    expect(of({ replicationId: "its own" })).not.toBe("promote-replica");
    expect(of({ empty: true })).not.toBe("promote-replica");
  });

  test("by what was remembered of the master, where whoever looks has never heard of it", () => {
    const away = (changes: Parameters<typeof cutOff>[3]) =>
      kinds(aGroup([ended, aPart(2, { says: cutOff(2, 1, null, changes) })]))[0];
    expect(away({})).toBe("promote-replica");
    expect(away({ replicationId: "its own" })).not.toBe("promote-replica");
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1, 0, { replicationId: "its own" }) })]);
    const { history: _forgotten, ...master } = group.memory.master ?? aGroup([aPart(1)]).memory.master!;
    expect(kinds({ ...group, memory: { ...group.memory, master } })).toEqual(["promote-replica"]);
  });

  test("works again once a good one is back", () => {
    expect(kinds(aGroup([ended, aPart(2, { says: cutOff(2, 1) })]))).toEqual(["promote-replica"]);
  });

  test("the smallest priority first, then the most of the history, then the smallest run id", () => {
    const chosen = (...changes: readonly Parameters<typeof cutOff>[3][]) =>
      promoted(aGroup([ended, ...changes.map((change, at) => aPart(at + 2, { says: cutOff(at + 2, 1, 0, change) }))]))
        ?.to.containerId;
    expect(chosen({ priority: 10, offset: 1 }, { priority: 20, offset: 99 })).toBe("container-2");
    expect(chosen({ offset: 1 }, { offset: 99 })).toBe("container-3");
    expect(chosen({ runId: "b" }, { runId: "a" })).toBe("container-3");
  });

  test("the longer the master has been down, the longer a replica may have been without it", () => {
    const group = aGroup([ended, aPart(2, { says: cutOff(2, 1, 40_000) })], {
      memory: { downSinceMs: NOW_MS - 35_000 },
    });
    expect(kinds(group)).toEqual(["promote-replica"]);
  });
});

describe("a loss that is too large", () => {
  const parts = [ended, aPart(2, { says: cutOff(2, 1, 0, { offset: 90 }) })];
  const gone = { "run-1": { node: aNode(1, { offset: 130 }), atMs: NOW_MS, endedByMs: null } };
  const limited = { roles: { maxDataLossBytes: 39 } };

  test("waits for a person", () => {
    const decision = decideRoles(aGroup(parts, { gone, ...limited }));
    expect(decision.standing.kind).toBe("too-much-loss");
    expect(decision.holds[0]?.reason).toContain("heal redis promote cache");
  });
  test("waits as well when it cannot be told", () => {
    expect(decideRoles(aGroup(parts, limited)).standing.kind).toBe("too-much-loss");
  });
  test("goes on when a person accepts it", () => {
    const wish = { kind: "promote", to: null, untilMs: NOW_MS + 1 } as const;
    expect(promoted(aGroup(parts, { gone, ...limited, memory: { wish } }))).toMatchObject({
      cause: "person",
      gapBytes: 40,
    });
  });
  test("does not hold up one that is small enough", () => {
    expect(kinds(aGroup(parts, { gone, roles: { maxDataLossBytes: 40 } }))).toEqual(["promote-replica"]);
  });
});

describe("a master that does not answer", () => {
  const hung = (silentForMs: number) => aPart(1, { says: null, silentForMs, tags: ["master"] });

  test("is left alone until downAfter has passed", () => {
    const decision = decideRoles(aGroup([hung(900), aPart(2, { says: cutOff(2, 1) })]));
    expect(decision).toMatchObject({ actions: [], busy: true, lookAgainAtMs: NOW_MS + 100 });
  });
  test("is replaced when its replicas do not hear of it either, after it was ended for good", () => {
    const group = aGroup([hung(1_200), aPart(2, { says: aReplica(2, 1), heardMsAgo: 1_200 })]);
    expect(promoted(group)).toMatchObject({ cause: "silent", fence: "stop-container" });
  });
  test("stays the master while a replica hears of it: only we are cut off", () => {
    const parts = [hung(60_000), aPart(2, { says: cutOff(2, 1) }), aPart(3, { says: aReplica(3, 1), heardMsAgo: 300 })];
    const decision = decideRoles(aGroup(parts));
    expect(decision.actions).toEqual([]);
    expect(decision.standing).toMatchObject({ kind: "master-silent" });
    expect(decision.standing.sentence).toContain("has heard of it 300 ms ago");
  });
  test("is never replaced on our word alone", () => {
    const decision = decideRoles(aGroup([hung(60_000), aPart(2, { says: null, silentForMs: 60_000 })]));
    expect(decision.actions).toEqual([]);
    expect(decision.standing.sentence).toContain("no replica can be asked");
  });
  test("is not fenced through an engine that does not answer either", () => {
    const parts = [
      aPart(1, { says: null, silentForMs: 5_000, current: false }),
      aPart(2, { says: cutOff(2, 1, 1_000) }),
    ];
    expect(promoted(aGroup(parts, { silentHosts: { h1: "timed out" } }))).toMatchObject({ fence: "none" });
  });
  test("that answers with a refused password lives", () => {
    const parts = [aPart(1, { trouble: "denied", silentForMs: 60_000 }), aPart(2, { says: cutOff(2, 1) })];
    const decision = decideRoles(aGroup(parts));
    expect(decision).toMatchObject({ actions: [], standing: { kind: "wrong-password", writable: true } });
  });
});

describe("after a failover", () => {
  test("the next one waits for its cooldown", () => {
    const parts = [ended, aPart(2, { says: cutOff(2, 1) })];
    const decision = decideRoles(aGroup(parts, { memory: { cooldownUntilMs: NOW_MS + 700 } }));
    expect(decision).toMatchObject({ busy: true, lookAgainAtMs: NOW_MS + 700 });
    expect(decision.actions.filter(({ kind }) => kind === "promote-replica")).toEqual([]);
  });
  test("on evidence that needed time, a master that has certainly ended is replaced without the wait for a flap", () => {
    const parts = [ended, aPart(2, { says: cutOff(2, 1) })];
    const last = { epoch: 1, cause: "silent", from: null, to: "one", gapBytes: 0, tookMs: 9 } as const;
    const memory = { cooldownUntilMs: NOW_MS + 8_000, last: { ...last, atMs: NOW_MS - 2_000 } };
    expect(promoted(aGroup(parts, { memory }))).toMatchObject({ cause: "gone" });
    const silent = [aPart(1, { says: null, silentForMs: 5_000 }), aPart(2, { says: cutOff(2, 1, 5_000) })];
    expect(decideRoles(aGroup(silent, { memory }))).toMatchObject({ actions: [], lookAgainAtMs: NOW_MS + 8_000 });
  });
  test("a cooldown from a foreign clock cannot hold it up for ever", () => {
    const parts = [ended, aPart(2, { says: cutOff(2, 1) })];
    const decision = decideRoles(aGroup(parts, { memory: { cooldownUntilMs: NOW_MS * 9 } }));
    expect(decision.lookAgainAtMs).toBe(NOW_MS + 10_000);
  });
  test("what was begun is gone on with: same epoch, same replica, though another looks better now", () => {
    const change = {
      epoch: 7,
      cause: "gone",
      from: { containerId: "container-1", name: "heal.live.cache.1.1" },
      to: { containerId: "container-2", name: "heal.live.cache.2.1", runId: "run-2" },
      gapBytes: 0,
      sinceMs: NOW_MS - 50,
    } as const;
    const parts = [ended, aPart(2, { says: cutOff(2, 1) }), aPart(3, { says: cutOff(3, 1, 0, { offset: 999 }) })];
    const action = promoted(aGroup(parts, { memory: { epoch: 7, change, cooldownUntilMs: NOW_MS + 900 } }));
    expect(action).toMatchObject({ epoch: 7, to: { containerId: "container-2" } });
  });
  test("it is over when the new master says that it is one; then tags and replicas are put right", () => {
    const change = {
      epoch: 7,
      cause: "gone",
      from: { containerId: "container-1", name: "heal.live.cache.1.1" },
      to: { containerId: "container-2", name: "heal.live.cache.2.1", runId: "run-2" },
      gapBytes: 0,
      sinceMs: NOW_MS - 50,
    } as const;
    const parts = [ended, aPart(2, { says: aNode(2) }), aPart(3, { says: cutOff(3, 1) })];
    const decision = decideRoles(aGroup(parts, { memory: { epoch: 7, change } }));
    expect(decision.memory).toMatchObject({
      change: null,
      master: { containerId: "container-2" },
      last: { epoch: 7, cause: "gone", tookMs: 50 },
    });
    expect(decision.actions.map(({ kind }) => kind)).toEqual(["attach-replica", "retag-roles"]);
  });
});

test("who was tagged before heal died is the master, though it cannot be asked at first: its tag stays", () => {
  const begun = aGroup([ended, aPart(2, { says: cutOff(2, 1) })]);
  const memory = intendRoles(begun.memory, decideRoles(begun).actions, NOW_MS);
  const follows = aPart(3, { says: aReplica(3, 2), tags: ["slave"] });
  const after = (tags: readonly string[]) =>
    decideRoles({ ...aGroup([aPart(1, { state: "exited" }), aPart(2, { says: null, tags }), follows]), memory });
  expect(after(["master"])).toMatchObject({
    actions: [],
    busy: true,
    standing: { kind: "master-silent" },
    memory: {
      change: null,
      master: { containerId: "container-2", runId: "run-2" },
      last: { to: "heal.live.cache.2.1" },
    },
  });
  // Whether one without the tag was promoted nobody knows.
  expect(after([]).memory).toMatchObject({ change: { to: { containerId: "container-2" } }, last: null });
});

test("what happened when is kept with a change, for whoever is told of it afterwards", () => {
  const group = aGroup([ended, aPart(2, { says: cutOff(2, 1) })]);
  const decision = decideRoles(group);
  const begun = intendRoles(decision.memory, decision.actions, NOW_MS);
  const [action] = decision.actions;
  if (action === undefined) throw new Error("no promotion");
  const after = (memory: RedisMemory) =>
    decideRoles({ ...aGroup([ended, aPart(2, { says: aNode(2) })]), memory }).memory.last;
  const done = { kind: "done", action, tookMs: 9, note: "promoted +4 ms, tagged +9 ms" } as const;
  expect(after(learnRoles(begun, [done], NOW_MS))).toMatchObject({ timeline: "promoted +4 ms, tagged +9 ms" });
  // Whoever made it may have died over it.
  expect(after(begun)).toMatchObject({ to: "heal.live.cache.2.1", timeline: null });
});

test("a person who asks for a promotion does not have one lost answer taken for the master's end (simulator seed 225)", () => {
  const wish = { kind: "promote", to: null, untilMs: NOW_MS + 10_000 } as const;
  const group = (silentForMs: number) =>
    aGroup([aPart(1, { says: null, silentForMs }), aPart(2, { says: aReplica(2, 1), heardMsAgo: 900 })], {
      memory: { wish },
    });
  expect(decideRoles(group(115))).toMatchObject({
    actions: [],
    holds: [{ because: { rule: "redis-failover" }, untilMs: NOW_MS + 885 }],
  });
  expect(promoted(group(1_000))).toMatchObject({ cause: "person", to: { containerId: "container-2" } });
});
