/** Passwords, a wrong password, and a group that a Sentinel decides about: on real containers. */
import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { Redis } from "ioredis";
import { newMaster, signal, whole } from "./support/redis-faults.ts";
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

async function pingWith(port: number, password: string): Promise<string> {
  const options = { port, password, maxRetriesPerRequest: 0, retryStrategy: () => null, lazyConnect: true };
  const client = new Redis(options);
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await client.ping();
  } catch (error) {
    return (error as Error).message;
  } finally {
    client.disconnect();
  }
}

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
