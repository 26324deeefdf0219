/** Groups that are not as `heal` left them: strangers, chains, two masters, and a Sentinel that decides. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openRedis } from "../../src/adapters/redis/open-redis.ts";
import { freePort } from "../../scripts/machine/state.ts";
import { ask, newMaster, roleOf, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal, TaggedRegistration } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let heal: RedisHeal | null = null;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  await heal?.end();
  heal = null;
});

async function insideOf(of: RedisHeal, { container }: TaggedRegistration): Promise<string> {
  const { NetworkSettings } = await of.docker.getContainer(container).inspect();
  return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "";
}

async function others(of: RedisHeal, master: TaggedRegistration): Promise<readonly TaggedRegistration[]> {
  return (await of.registrations()).filter(({ id }) => id !== master.id);
}

test("a replica of another replica, and one of a stranger, are made the master's own again", async () => {
  heal = await openRedisHeal();
  const of = heal;
  const master = await whole(of);
  const [one, two] = await others(of, master);
  if (one === undefined || two === undefined) throw new Error("no replicas");
  await ask(one, "REPLICAOF", await insideOf(of, two), "6379");
  const masterHost = async (at: TaggedRegistration): Promise<string> =>
    String(((await ask(at, "ROLE")) as readonly unknown[])[1]);
  const wanted = await insideOf(of, master);
  await until(
    "no chain",
    () => masterHost(one),
    (host) => host === wanted,
  );
  await ask(two, "REPLICAOF", "192.0.2.99", "6379");
  await until(
    "no stranger",
    () => masterHost(two),
    (host) => host === wanted,
  );
  expect((await whole(of)).container).toBe(master.container);
});

test("of two masters that nobody remembers neither is touched until a person says which one is right", async () => {
  heal = await openRedisHeal({ count: 2, redis: { minReplicasToWrite: 0 } });
  const of = heal;
  const master = await whole(of, 2);
  const [other] = await others(of, master);
  if (other === undefined) throw new Error("no replica");
  await of.stopHeal();
  await ask(other, "REPLICAOF", "NO", "ONE");
  await ask(master, "SET", "who", "first");
  await ask(other, "SET", "who", "second");
  await fetch(`${of.consulUrl}/v1/kv/heal/${of.environment}/memory/services?recurse`, { method: "DELETE" });
  await of.startHeal();
  await until(
    "two-masters",
    async () => of.decisions()?.plan.services[of.service]?.standing.redis?.kind,
    (kind) => kind === "two-masters",
  );
  expect(await roleOf(master)).toBe("master");
  expect(await roleOf(other)).toBe("master");
  await of.promote(other.container);
  await until(
    "the first follows",
    () => ask(master, "GET", "who"),
    (who) => who === "second",
  );
  expect((await of.master())?.container).toBe(other.container);
});

test("under Sentinel's authority heal promotes nobody, and the tags follow whom Sentinel has promoted", async () => {
  const { of, first, second } = await underSentinel({ downAfter: "1s" });
  await signal(of, first.container, "SIGKILL");
  expect((await newMaster(of, first)).container).toBe(second.container);
  expect(
    of.results.filter(({ action }) => action.kind === "promote-replica" || action.kind === "attach-replica"),
  ).toEqual([]);
});

test("a change that Sentinel makes is heard from Sentinel itself, and the tags follow it", async () => {
  const { of, second, sentinel } = await underSentinel({ downAfter: "10m" });
  const redis = openRedis();
  const ending = new AbortController();
  cleanUps.push(
    async () => ending.abort(),
    async () => redis.close(),
  );
  const heard: (string | null)[] = [];
  void redis.followSentinel(
    { address: { host: sentinel.address, port: sentinel.port }, login: null, tls: null },
    (name) => heard.push(name),
    ending.signal,
  );
  const said = (what: string | null) =>
    until(
      `to hear ${what}`,
      async () => heard,
      (all) => all.includes(what),
    );
  await said(null);
  await ask(sentinel, "SENTINEL", "FAILOVER", "group");
  await said("group");
  await until(
    "the tag to follow",
    () => of.master(),
    (master) => master?.container === second.container,
  );
});

interface UnderSentinel {
  readonly of: RedisHeal;
  readonly first: TaggedRegistration;
  readonly second: TaggedRegistration;
  readonly sentinel: { readonly address: string; readonly port: number };
}

/** A master with one replica, which Sentinel knows, with the tags as Sentinel has it. */
async function underSentinel({ downAfter }: { readonly downAfter: string }): Promise<UnderSentinel> {
  const sentinel = { address: "127.0.0.1", port: await freePort() };
  heal = await openRedisHeal({
    count: 2,
    redis: {
      authority: "sentinel",
      downAfter,
      sentinel: { addresses: [`127.0.0.1:${sentinel.port}`], masterName: "group" },
    },
  });
  const of = heal;
  const [first, second] = await until(
    "two nodes",
    () => of.registrations(),
    (all) => all.length === 2 && all.every(({ passing }) => passing),
  );
  if (first === undefined || second === undefined) throw new Error("no nodes");
  await ask(second, "REPLICAOF", await insideOf(of, first), "6379");
  cleanUps.push(await startSentinel(sentinel.port, await insideOf(of, first)));
  await until(
    "the tag",
    () => of.master(),
    (master) => master?.container === first.container,
  );
  // Sentinel looks for replicas every ten seconds.
  await until(
    "Sentinel knows the replica",
    () => ask(sentinel, "SENTINEL", "REPLICAS", "group"),
    (replicas) => (replicas as readonly unknown[]).length === 1,
  );
  return { of, first, second, sentinel };
}

async function startSentinel(port: number, master: string): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "heal-sentinel-"));
  const file = join(directory, "sentinel.conf");
  const lines = [
    `port ${port}`,
    `dir ${directory}`,
    `sentinel monitor group ${master} 6379 1`,
    "sentinel down-after-milliseconds group 1000",
    "",
  ];
  await writeFile(file, lines.join("\n"));
  const process_: ChildProcess = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
  return async () => {
    process_.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  };
}
