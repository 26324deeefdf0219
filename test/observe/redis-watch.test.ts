import { describe, expect, test } from "vitest";
import type { Instance } from "../../src/model/instance.ts";
import { openRedisWatch } from "../../src/observe/redis-watch.ts";
import { reachOf } from "../../src/observe/redis-address.ts";
import type { Redis } from "../../src/ports/redis.ts";
import { RedisError } from "../../src/ports/redis.ts";
import type { RedisNode } from "../../src/model/redis.ts";
import { aNode, aPart, roles } from "../builders/redis.ts";
import { aService } from "../builders/service.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";

const service = aService("cache", { redis: roles });

/** Nodes that answer as they are told to, on a clock that is set by hand. */
function aWatch(hostAddress = "10.0.0.1") {
  let nowMs = 0;
  const answers = new Map<number, RedisNode | RedisError>();
  const changed: string[] = [];
  const asked: number[] = [];
  const nodes = {
    async look({ address }) {
      asked.push(address.port);
      const answer = answers.get(address.port);
      if (answer === undefined) throw new RedisError("refused", "nobody listens");
      if (answer instanceof RedisError) throw answer;
      return answer;
    },
  } as Partial<Redis> as Redis;
  const clock = {
    steadyMs: () => nowMs,
    wallMs: () => nowMs,
    sleep: async () => "elapsed" as const,
    after: () => () => undefined,
  };
  const watch = openRedisWatch({
    nodes,
    clock,
    hostAddresses: { h1: hostAddress },
    access: async () => ({ login: null, tls: null }),
    onChange: (names) => changed.push(...names),
  });
  const pass = (ms: number): number => (nowMs += ms);
  return { watch, answers, changed, asked, pass };
}

function instance(slot: number, changes: Partial<Instance["container"]> = {}): Instance {
  const { instance: one } = aPart(slot);
  const ports = [{ container: 8080, host: 7_000 + slot, hostIp: "0.0.0.0", protocol: "tcp" as const }];
  return { ...one, container: { ...one.container, ports, ...changes } };
}

describe("what the nodes of a service say", () => {
  test("is asked at the first look, and from then on only when a fresh look is wanted", async () => {
    const { watch, answers, asked } = aWatch();
    answers.set(7_001, aNode(1));
    expect((await watch.look(service, [instance(1)], false)).nodes[0]?.now).toMatchObject({ kind: "known" });
    await watch.look(service, [instance(1)], false);
    expect(asked).toEqual([7_001]);
    await watch.look(service, [instance(1)], true);
    expect(asked).toEqual([7_001, 7_001]);
  });
  test("is unknown, since its last answer, when it does not answer any more", async () => {
    const { watch, answers, pass } = aWatch();
    answers.set(7_001, aNode(1));
    await watch.look(service, [instance(1)], true);
    answers.set(7_001, new RedisError("silent", "no answer"));
    pass(300);
    const [node] = (await watch.look(service, [instance(1)], true)).nodes;
    expect(node?.now).toMatchObject({ kind: "unknown" });
    expect(node?.trouble).toMatchObject({ kind: "silent", sinceMs: 0 });
    expect(node?.last?.node.runId).toBe("run-1");
  });
  test("nudges when it changes in a way that matters, and not when only the offset moves", async () => {
    const { watch, answers, changed } = aWatch();
    answers.set(7_001, aNode(1));
    await watch.look(service, [instance(1)], true);
    changed.length = 0;
    answers.set(7_001, aNode(1, { offset: 999 }));
    await watch.look(service, [instance(1)], true);
    expect(changed).toEqual([]);
    answers.set(7_001, aNode(1, { runId: "another" }));
    await watch.look(service, [instance(1)], true);
    expect(changed).toEqual(["cache"]);
  });
  test("is kept of a node that is gone, and of the process before the one that runs now", async () => {
    const { watch, answers } = aWatch();
    answers.set(7_001, aNode(1, { offset: 42 }));
    await watch.look(service, [instance(1)], true);
    answers.set(7_001, aNode(1, { runId: "another", offset: 0 }));
    const restarted = await watch.look(service, [instance(1)], true);
    expect(restarted.gone["run-1"]?.node).toMatchObject({ runId: "run-1", offset: 42 });
    const ended = await watch.look(service, [instance(1, { state: "exited" })], true);
    expect(ended.nodes).toEqual([]);
    expect(Object.keys(ended.gone)).toEqual(["run-1", "another"]);
  });
  test("tells by when a process had ended, through all restarts after it (simulator seed 953402)", async () => {
    const { watch, answers, pass } = aWatch();
    answers.set(7_001, aNode(1));
    await watch.look(service, [instance(1)], true);
    pass(100);
    const ended = await watch.look(service, [instance(1, { state: "restarting" })], true);
    expect(ended.gone["run-1"]?.endedByMs).toBe(100);
    pass(100);
    answers.set(7_001, aNode(1, { runId: "second" }));
    await watch.look(service, [instance(1)], true);
    pass(100);
    answers.set(7_001, aNode(1, { runId: "third" }));
    const again = await watch.look(service, [instance(1)], true);
    expect(again.gone).toMatchObject({ "run-1": { endedByMs: 100 }, second: { endedByMs: 300 } });
  });
  test("does not take for ended what is only out of sight", async () => {
    const { watch, answers } = aWatch();
    answers.set(7_001, aNode(1));
    await watch.look(service, [instance(1)], true);
    expect((await watch.look(service, [], true)).gone["run-1"]?.endedByMs).toBeNull();
  });
  test("tells since when the offset has stood still", async () => {
    const { watch, answers, pass } = aWatch();
    answers.set(7_001, aNode(1, { offset: 1 }));
    await watch.look(service, [instance(1)], true);
    pass(400);
    const still = await watch.look(service, [instance(1)], true);
    expect(still.nodes[0]?.movedAtMs).toBe(0);
    answers.set(7_001, aNode(1, { offset: 2 }));
    expect((await watch.look(service, [instance(1)], true)).nodes[0]?.movedAtMs).toBe(400);
  });
  test("keeps its registration its own while only its engine is silent, until it has been silent itself (seed 900073)", async () => {
    const { watch, answers, pass } = aWatch();
    answers.set(7_001, aNode(1));
    const behindSilence = { ...instance(1), current: false };
    const registrationNow = async () => (await watch.look(service, [behindSilence], true)).nodes[0]?.registration;
    expect(await registrationNow()).toBe("n1/heal.live.cache.1");
    answers.set(7_001, new RedisError("silent", "no answer"));
    pass(roles.downAfterMs - 1);
    expect(await registrationNow()).toBe("n1/heal.live.cache.1");
    pass(1);
    expect(await registrationNow()).toBeNull();
  });
  test("makes its host one that is not waited for once it has been silent for downAfter, not when it refuses", async () => {
    const { watch, answers, pass } = aWatch();
    answers.set(7_001, new RedisError("silent", "no answer"));
    await watch.look(service, [instance(1)], true);
    expect(watch.hasFallenSilent(service, "h1")).toBe(false);
    pass(1_000);
    expect(watch.hasFallenSilent(service, "h1")).toBe(true);
    expect(watch.hasFallenSilent(service, "h2")).toBe(false);
    answers.set(7_001, new RedisError("refused", "nobody listens"));
    pass(5_000);
    await watch.look(service, [instance(1)], true);
    expect(watch.hasFallenSilent(service, "h1")).toBe(false);
  });
});

describe("a node that is reached by its host's name", () => {
  async function aliasesOf(says: Partial<RedisNode>): Promise<readonly unknown[]> {
    const { watch, answers } = aWatch("redis-1.example");
    answers.set(7_001, aNode(1, says));
    const [node] = (await watch.look(service, [instance(1)], true)).nodes;
    return node?.aliases ?? [];
  }
  test("is known again by the address that the name led to", async () => {
    expect(await aliasesOf({ resolvedTo: "10.0.0.7" })).toContainEqual({ host: "10.0.0.7", port: 7_001 });
  });
  test("is not known by an address that means another host elsewhere", async () => {
    expect(await aliasesOf({ resolvedTo: "127.0.1.1" })).toEqual(await aliasesOf({}));
  });
});

describe("who follows nodes", () => {
  test("asks one that is shown in its own time from then on, however long the sleep would have been", async () => {
    const clock = fakeClock();
    const asked: number[] = [];
    const nodes = { look: async ({ address }) => (asked.push(address.port), aNode(1)) } as Partial<Redis> as Redis;
    const watch = openRedisWatch({
      nodes,
      clock,
      hostAddresses: { h1: "10.0.0.1" },
      access: async () => ({ login: null, tls: null }),
      onChange: () => undefined,
    });
    const over = new AbortController();
    const following = watch.follow(over.signal);
    await clock.advance(1_000);
    const hasty = aService("hasty", { redis: { ...roles, downAfterMs: 800 } });
    await watch.look(hasty, [instance(1)], false);
    await clock.advance(1_000);
    expect(asked.length).toBeGreaterThanOrEqual(10);
    expect(asked.length).toBeLessThanOrEqual(13);
    over.abort();
    await following;
  });
});

describe("where a node is reached", () => {
  const published = instance(1, { address: "172.17.0.2" });
  test("by its host's address and published port, by heal and by the other nodes", () => {
    const reach = reachOf(service, published, "10.0.0.1");
    expect(reach.address).toEqual({ host: "10.0.0.1", port: 7_001 });
    expect(reach.peer).toEqual(reach.address);
    expect(reach.aliases).toContainEqual({ host: "172.17.0.2", port: 8_080 });
  });
  test("by the other nodes in Docker's network where the host's address means something else inside of a container", () => {
    expect(reachOf(service, published, "127.0.0.1").peer).toEqual({ host: "172.17.0.2", port: 8_080 });
  });
  test("by its host's name where that is its address, by the other nodes as well", () => {
    const reach = reachOf(service, published, "redis-1.example");
    expect(reach.address).toEqual({ host: "redis-1.example", port: 7_001 });
    expect(reach.peer).toEqual(reach.address);
  });
  test("on its host's own port where nothing is published", () => {
    const bare = instance(1, { ports: [], address: null });
    expect(reachOf(service, bare, "10.0.0.1").address).toEqual({ host: "10.0.0.1", port: 8_080 });
  });
});
