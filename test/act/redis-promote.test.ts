import { describe, expect, test } from "vitest";
import { Fenced, type Hands } from "../../src/act/hands.ts";
import { promoteReplica } from "../../src/act/redis-promote.ts";
import { switchOver } from "../../src/act/redis-switchover.ts";
import type { PromoteReplica, SwitchOver } from "../../src/model/action.ts";
import type { RedisAddress, RedisNode } from "../../src/model/redis.ts";
import type { Redis, RoleTags } from "../../src/ports/redis.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { RedisError } from "../../src/ports/redis.ts";
import { aNode, aPart, aReplica, roles, aRef } from "../builders/redis.ts";
import { aService } from "../builders/service.ts";

const service = aService("cache", { redis: roles });

/** Three nodes that obey at once, and a list of all that was done. `fenceFalls`: at which call of the fence. */
function aStage(fenceFalls = Number.POSITIVE_INFINITY) {
  const done: string[] = [];
  const nodes = new Map<number, RedisNode>([
    [1, aNode(1)],
    [2, aReplica(2, 1)],
    [3, aReplica(3, 1)],
  ]);
  const slotOf = ({ port }: RedisAddress): number => port - 7_000;
  /** `isOld`: they cannot hold writes; `late`: what slot 1 had still written when it became a replica. */
  const stage = { isOld: false, late: 0 };
  let nowMs = 0;
  let fences = 0;
  const redis = {
    async look({ address }) {
      const node = nodes.get(slotOf(address));
      if (node === undefined) throw new RedisError("silent", "no answer");
      return node;
    },
    async follow({ address }, master) {
      const slot = slotOf(address);
      done.push(master === null ? `${slot} follows nobody` : `${slot} follows ${slotOf(master)}`);
      const before = nodes.get(slot);
      if (before === undefined) throw new RedisError("silent", "no answer");
      const { runId } = before;
      const offset = before.role === "master" && slot === 1 ? before.offset + stage.late : before.offset;
      nodes.set(
        slot,
        master === null ? aNode(slot, { runId, offset }) : aReplica(slot, slotOf(master), { runId, offset }),
      );
    },
    async configure({ address }, settings) {
      const least = settings.find(({ name }) => name === "min-replicas-to-write")?.value;
      done.push(`${slotOf(address)} needs ${String(least)} replicas to write`);
      return [];
    },
    async pauseWrites({ address }, forMs) {
      if (stage.isOld) throw new RedisError("failing", "ERR Unknown subcommand or wrong number of arguments");
      done.push(forMs === 0 ? `${slotOf(address)} writes again` : `${slotOf(address)} holds writes`);
    },
  } as Partial<Redis> as Redis;
  const tags: RoleTags = {
    async retag({ master, replicas }, fence) {
      fence();
      done.push(`tags: ${master ?? "nobody"} / ${replicas.join(",")}`);
      return "changed";
    },
  };
  const hands = {
    redis: { nodes: redis, tags },
    engines: {
      h1: {
        stop: async (id: string) => void done.push(`stop ${id}`),
        inspect: async () => aPart(1).instance.container,
      },
    },
    environment: "live",
    hostAddresses: { h1: "10.0.0.1" },
    registry: {
      nodeOf: async () => "n1",
      deregister: async (_node: string, id: string) => void done.push(`agent forgets ${id}`),
      register: async (_host: string, { tags: told }: { readonly tags: readonly string[] }) =>
        void done.push(`agent is told [${told.join(",")}]`),
    },
    clock: {
      steadyMs: () => (nowMs += 1),
      wallMs: () => nowMs,
      sleep: async (ms: number) => ((nowMs += ms), "elapsed" as const),
      after: () => () => undefined,
    },
    fence: () => {
      fences += 1;
      if (fences >= fenceFalls) throw new Fenced("not leading any more");
      return "sequencer";
    },
  } as unknown as Hands;
  return { hands, done, nodes, stage };
}

const promotion: PromoteReplica = {
  kind: "promote-replica",
  service: "cache",
  epoch: 2,
  cause: "silent",
  from: aRef(1),
  fence: "stop-container",
  to: aRef(2),
  others: [aRef(3)],
  gapBytes: 0,
  because: { rule: "redis-failover", evidence: "" },
};

describe("a promotion", () => {
  test("goes the one safe way: untag, end the old one, promote, re-point, tag", async () => {
    const { hands, done } = aStage();
    const { note } = await promoteReplica(hands, service, promotion);
    expect(done).toEqual([
      "tags: nobody / ",
      "stop container-1",
      "agent forgets id-1",
      "2 follows nobody",
      "3 follows 2",
      "tags: n1/id-2 / n1/id-3",
    ]);
    expect(note).toMatch(/untagged \+\d+ ms, old master .*promoted \+\d+ ms, 1 of 1 replicas follow/);
  });
  test.each([1, 2, 3, 4, 5])(
    "sends nothing any more once the fence has fallen at its call number %i",
    async (falls) => {
      const { hands, done } = aStage(falls);
      const whole = aStage();
      await promoteReplica(whole.hands, service, promotion);
      await expect(promoteReplica(hands, service, promotion)).rejects.toThrow("not leading");
      expect(whole.done).toEqual(expect.arrayContaining(done));
      expect(done).toHaveLength(falls - 1);
    },
  );
  test("comes to the same end when it is done again from the beginning", async () => {
    const { hands, done, nodes } = aStage();
    await promoteReplica(hands, service, promotion);
    await promoteReplica(hands, service, promotion);
    expect(nodes.get(2)?.role).toBe("master");
    expect(done.filter((step) => step === "2 follows nobody")).toHaveLength(1);
    expect(done.at(-1)).toBe("tags: n1/id-2 / n1/id-3");
  });
  test("is off when the chosen one was started anew meanwhile: it has no data any more", async () => {
    const { hands, done, nodes } = aStage();
    nodes.set(2, aReplica(2, 1, { runId: "another" }));
    await expect(promoteReplica(hands, service, promotion)).rejects.toThrow("started anew");
    expect(done).not.toContain("2 follows nobody");
  });
  test.each([
    ["its priority is 0", { priority: 0 }],
    ["it is loading", { loading: true }],
    ["it copies everything anew", { follows: { ...aReplica(2, 1).follows!, up: false, syncing: true } }],
  ])("is off when the chosen one may not be promoted any more: %s (simulator seed 40)", async (_why, changes) => {
    const { hands, done, nodes } = aStage();
    nodes.set(2, aReplica(2, 1, changes));
    await expect(promoteReplica(hands, service, promotion)).rejects.toThrow("was chosen to be the master, but");
    expect(done).not.toContain("2 follows nobody");
  });
  test("asks the chosen one again when the steps before have taken long (simulator seed 4571)", async () => {
    const { hands, done, nodes } = aStage();
    const stop = async (): Promise<void> => {
      await hands.clock.sleep(20_000);
      nodes.set(2, aReplica(2, 1, { priority: 0 }));
    };
    const slow = { ...hands, engines: { h1: { ...hands.engines["h1"], stop } } } as unknown as Hands;
    await expect(promoteReplica(slow, service, promotion)).rejects.toThrow("its priority is 0 by now");
    expect(done).not.toContain("2 follows nobody");
  });
  test("to one whose priority is 0 is done for a person", async () => {
    const { hands, done, nodes } = aStage();
    nodes.set(2, aReplica(2, 1, { priority: 0 }));
    await promoteReplica(hands, service, { ...promotion, cause: "person" });
    expect(done).toContain("2 follows nobody");
  });
  test("lets go who has more than the new master, so that it can be kept aside (simulator seed 910498)", async () => {
    const { hands, done, nodes } = aStage();
    nodes.set(3, aReplica(3, 1, { offset: 900 }));
    await promoteReplica(hands, service, promotion);
    expect(done.slice(-2)).toEqual(["3 follows nobody", "tags: n1/id-2 / "]);
  });
  test("says of whom the agent could not be told (simulator seed 930327)", async () => {
    const stage = aStage();
    const sleep = (): Promise<never> => new Promise(() => undefined);
    const hands = { ...stage.hands, clock: { ...stage.hands.clock, sleep } } as unknown as Hands;
    const deregister = async () => Promise.reject(new RegistryError("unreachable", "no route"));
    const away = { ...hands, registry: { ...hands.registry, deregister } };
    expect((await promoteReplica(hands, service, promotion)).untold).toEqual([]);
    expect((await promoteReplica(away, service, promotion)).untold).toEqual(["container-1"]);
  });
  test("does not wait for a silent engine to say what runs: its agent forgets it (simulator seed 950053)", async () => {
    const { hands, done } = aStage();
    const engines = { h1: { ...hands.engines["h1"], inspect: () => new Promise(() => undefined) } };
    const silent = { ...hands, engines } as unknown as Hands;
    await promoteReplica(silent, service, { ...promotion, fence: "none" });
    expect(done).toContain("agent forgets id-1");
  });
  test("tags the new master although another replica does not answer; that one keeps no role it has not", async () => {
    const { hands, done, nodes } = aStage();
    nodes.delete(3);
    await promoteReplica(hands, service, promotion);
    expect(done.at(-1)).toBe("tags: n1/id-2 / ");
  });
});

describe("a switchover", () => {
  const planned: SwitchOver = {
    kind: "switch-over",
    service: "cache",
    epoch: 2,
    from: aRef(1),
    to: aRef(2),
    others: [aRef(3)],
    because: { rule: "redis-switchover", evidence: "" },
  };
  test("demotes the old master before it promotes the new one, while writes are held", async () => {
    const { hands, done } = aStage();
    await switchOver(hands, service, planned);
    expect(done).toEqual([
      "agent is told []",
      "1 holds writes",
      "1 follows 2",
      "2 follows nobody",
      "tags: n1/id-2 / n1/id-1",
      "1 writes again",
      "3 follows 2",
    ]);
  });
  test("leaves alone who has data of its own, so that it can be kept aside (simulator seed 980613)", async () => {
    const { hands, done, nodes } = aStage();
    nodes.set(3, aReplica(3, 1, { replicationId: "of a stranger" }));
    await switchOver(hands, service, planned);
    expect(done).toContain("2 follows nobody");
    expect(done).not.toContain("3 follows 2");
  });
  test("has the agent forget a master's role that stands under the name of another node by now", async () => {
    const { hands, done } = aStage();
    await switchOver(hands, service, { ...planned, from: { ...aRef(1), registration: null } });
    expect(done.slice(0, 2)).toEqual(["agent is told []", "1 holds writes"]);
  });
  test("lets writes go on and leaves all as it was when the replica does not catch up", async () => {
    const { hands, done, nodes } = aStage();
    nodes.set(2, aReplica(2, 1, { offset: 1 }));
    await expect(switchOver(hands, service, planned)).rejects.toThrow("did not catch up");
    expect(done).toEqual(["agent is told []", "1 holds writes", "1 writes again"]);
  });
  test("never leaves two masters, wherever it is broken off", async () => {
    for (let falls = 1; falls <= 8; falls += 1) {
      const { hands, nodes } = aStage(falls);
      await switchOver(hands, service, planned).catch(() => undefined);
      const masters = [...nodes.values()].filter(({ role }) => role === "master");
      expect(masters.length).toBeLessThanOrEqual(1);
    }
  });
});

describe("a switchover between nodes that cannot hold writes (before Redis 6.2)", () => {
  const planned: SwitchOver = {
    kind: "switch-over",
    service: "cache",
    epoch: 3,
    from: aRef(1),
    to: aRef(2),
    others: [],
    because: { rule: "redis-switchover", evidence: "a person asked for it" },
  };
  test("has the master refuse them, ends its history, and hands over what is complete", async () => {
    const { hands, done, stage } = aStage();
    stage.isOld = true;
    expect((await switchOver(hands, service, planned)).note).toContain("writes refused");
    expect(done).toEqual([
      "agent is told []",
      "1 needs 2147483647 replicas to write",
      "1 follows 1",
      "2 follows nobody",
      "1 follows 2",
      "tags: n1/id-2 / n1/id-1",
      "1 needs 0 replicas to write",
    ]);
  });
  test("leaves all as it was when a script has written to the end what the replica does not have", async () => {
    const { hands, done, stage, nodes } = aStage();
    Object.assign(stage, { isOld: true, late: 20 });
    await expect(switchOver(hands, service, planned)).rejects.toThrow("goes on as master");
    expect(done.slice(2)).toEqual(["1 follows 1", "1 follows nobody", "1 needs 0 replicas to write"]);
    expect(nodes.get(1)?.role).toBe("master");
  });
  test("never leaves two masters, wherever it is broken off", async () => {
    for (let falls = 1; falls <= 9; falls += 1) {
      const { hands, nodes, stage } = aStage(falls);
      stage.isOld = true;
      await switchOver(hands, service, planned).catch(() => undefined);
      expect([...nodes.values()].filter(({ role }) => role === "master").length).toBeLessThanOrEqual(1);
    }
  });
});
