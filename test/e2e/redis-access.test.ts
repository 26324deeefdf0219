/** Passwords, a wrong password, and a group that a Sentinel decides about: on real containers. */
import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { Redis } from "ioredis";
import { allHold, newMaster, replicasOf, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let heal: RedisHeal | null = null;
const keys: string[] = [];
afterEach(async () => {
  await heal?.end();
  heal = null;
  for (const key of keys.splice(0))
    await fetch(`${process.env["HEAL_TEST_CONSUL"]}/v1/kv/${key}`, { method: "DELETE" });
});

async function aSecret(value: string): Promise<string> {
  const key = `test-secrets/${randomUUID()}`;
  keys.push(key);
  await fetch(`${process.env["HEAL_TEST_CONSUL"]}/v1/kv/${key}`, { method: "PUT", body: value });
  return key;
}

async function askWith(port: number, password: string | null, ...words: string[]): Promise<unknown> {
  const options = { port, maxRetriesPerRequest: 0, retryStrategy: () => null, lazyConnect: true };
  const client = new Redis({ ...options, ...(password === null ? {} : { password }) });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await client.call(words[0] ?? "PING", ...words.slice(1));
  } finally {
    client.disconnect();
  }
}

const pingWith = (port: number, password: string): Promise<unknown> =>
  askWith(port, password, "PING").catch((error: Error) => error.message);

test("a group gets its password before it gets its tags, and fails over with it", async () => {
  const key = await aSecret("s3cret");
  heal = await openRedisHeal({ count: 2, redis: { auth: { password: { consulKey: key } } } });
  const old = await whole(heal, 2);
  expect(await pingWith(old.port, "s3cret")).toBe("PONG");
  expect(await pingWith(old.port, "wrong")).not.toBe("PONG");
  await signal(heal, old.container, "SIGKILL");
  const master = await newMaster(heal, old);
  expect(await pingWith(master.port, "s3cret")).toBe("PONG");
  await whole(heal, 2);
});

test("a group whose password heal does not have is named as such, and left alone", async () => {
  const key = await aSecret("not it");
  heal = await openRedisHeal({
    count: 2,
    command: ["--requirepass", "the right one", "--save", ""],
    redis: { auth: { password: { consulKey: key } } },
  });
  const of = heal;
  await until(
    "wrong-password",
    async () => of.decisions()?.plan.services[of.service]?.standing.redis?.kind,
    (kind) => kind === "wrong-password",
  );
  expect(await of.master()).toBeNull();
  expect(of.results.filter(({ action }) => action.kind === "promote-replica")).toEqual([]);
  await fetch(`${of.consulUrl}/v1/kv/${key}`, { method: "PUT", body: "the right one" });
  await whole(of, 2);
});

test("a replica with a password takes nothing from a stranger at its master's address", async () => {
  const key = await aSecret("s3cret");
  heal = await openRedisHeal({ count: 2, redis: { auth: { password: { consulKey: key } } } });
  const of = heal;
  const master = await whole(of, 2);
  const [replica] = await replicasOf(of, master);
  if (replica === undefined) throw new Error("no replica");
  const as = (at: { readonly port: number }, ...words: string[]) => askWith(at.port, "s3cret", ...words);
  await as(master, "SET", "kept", "yes");
  await allHold(of, (at) => as(at, "GET", "kept"));
  await of.stopHeal();
  // Nobody's own: without a password, at the port that the master's container has had.
  await of.docker.getContainer(master.container).remove({ force: true });
  const stranger = await of.docker.createContainer({
    name: `stranger-${randomUUID()}`,
    Image: "heal-demo/redis:1",
    Cmd: ["--save", ""],
    Labels: { "heal-test-stranger": of.environment },
    HostConfig: { PortBindings: { "6379/tcp": [{ HostPort: String(master.port) }] } },
  });
  try {
    await stranger.start();
    await until(
      "the stranger to be asked for all its data, or only for a password",
      async () => String(await askWith(master.port, null, "INFO", "commandstats").catch(() => "")),
      (stats) => /cmdstat_auth/.test(stats),
    );
    // The next try comes a second later: it has been refused, and has not gone on to ask for data.
    await until(
      "the replica to have tried again",
      async () => String(await askWith(master.port, null, "INFO", "commandstats")),
      (stats) => Number(/cmdstat_auth:calls=(\d+)/.exec(stats)?.[1]) > 1,
    );
    expect(String(await askWith(master.port, null, "INFO", "commandstats"))).not.toMatch(/sync/);
    expect(await as(replica, "GET", "kept")).toBe("yes");
    expect(String(await as(replica, "INFO", "replication"))).toMatch(/master_link_status:down/);
  } finally {
    await stranger.remove({ force: true });
  }
  await of.startHeal();
  const next = await newMaster(of, master);
  expect(await as(next, "GET", "kept")).toBe("yes");
});
