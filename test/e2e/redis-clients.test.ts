/** The recipes for clients in docs/redis.md, each with the real client, through a failover and a switchover. */
import { spawn, type ChildProcess } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { startConsul, type ConsulAgent } from "../../scripts/machine/consul.ts";
import { freePort } from "../../scripts/machine/state.ts";
import { allHold, ask, newMaster, replicasOf, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal, TaggedRegistration } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let consul: ConsulAgent;
let heal: RedisHeal | null = null;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  consul = await startConsul({ say: () => undefined, name: "clients" });
});
afterAll(() => consul?.stop());
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  await heal?.end();
  heal = null;
});

async function group(count = 2): Promise<RedisHeal> {
  heal = await openRedisHeal({ count, cluster: { consul: consul.address, agent: consul.address } });
  return heal;
}

function resolver(): Resolver {
  const own = new Resolver({ timeout: 1_000, tries: 2 });
  own.setServers([`127.0.0.1:${consul.ports.dns}`]);
  return own;
}

/** Where `master.<service>.service.consul` leads; null while nobody is the master. */
async function byDns({ service }: RedisHeal): Promise<{ readonly host: string; readonly port: number } | null> {
  const found = await resolver()
    .resolveSrv(`master.${service}.service.consul`)
    .catch(() => []);
  const [first] = found;
  if (first === undefined) return null;
  const [host = first.name] = await resolver().resolve4(first.name);
  return { host, port: first.port };
}

/** A block of the documentation, whatever else stands around it: what is tested is what is recommended. */
async function recipe(language: string, containing: string): Promise<string> {
  const text = await readFile("docs/redis.md", "utf8");
  const blocks = [...text.matchAll(/```(\w*)\n([\s\S]*?)```/g)];
  const found = blocks.find(([, of, body]) => of === language && body?.includes(containing));
  if (found?.[2] === undefined) throw new Error(`docs/redis.md has no ${language} block with ${containing}`);
  return found[2];
}

test("Consul's DNS answers with the writable node, before and after a failover, and with the others as slaves", async () => {
  const of = await group(3);
  const old = await whole(of);
  expect((await byDns(of))?.port).toBe(old.port);
  expect(await resolver().resolveSrv(`slave.${of.service}.service.consul`)).toHaveLength(2);
  await signal(of, old.container, "SIGKILL");
  const master = await newMaster(of, old);
  const found = await until(
    "the new one",
    () => byDns(of),
    (at) => at?.port === master.port,
  );
  expect(await ask({ address: found?.host ?? "", port: found?.port ?? 0 }, "SET", "by", "dns")).toBe("OK");
});

test("ioredis with the recipe's options goes on writing after a switchover and after a failover", async () => {
  const text = await recipe("js", "new Redis({");
  const options = new Function("Redis", `${text.replace("new Redis(", "return (")}`) as (redis: unknown) => object;
  await goesOnWriting((port) => {
    const client = new Redis({ ...options(Redis), host: "127.0.0.1", port });
    client.on("error", () => undefined);
    cleanUps.push(async () => client.disconnect());
    return (key) => client.set(key, "x");
  });
});

test("node-redis with the recipe goes on writing after a switchover and after a failover", async () => {
  const text = await recipe("js", "createClient({");
  type NodeRedis = ReturnType<typeof createClient>;
  type Write = (command: (client: NodeRedis) => Promise<string | null>) => Promise<string | null>;
  const recipeOf = new Function("createClient", `${text}; return { client, write };`) as (create: unknown) => {
    readonly client: NodeRedis;
    readonly write: Write;
  };
  await goesOnWriting(async (port) => {
    const { client, write } = recipeOf((options: object) =>
      createClient({ ...options, url: `redis://127.0.0.1:${port}` }),
    );
    client.on("error", () => undefined);
    cleanUps.push(async () => client.destroy());
    await client.connect();
    return (key) => write((to) => to.set(key, "x"));
  });
});

type SetKey = (key: string) => Promise<unknown>;

/** A client that is open all the time writes before and after each change of the master, and all of it is kept. */
async function goesOnWriting(open: (port: number) => SetKey | Promise<SetKey>): Promise<void> {
  const of = await group(3);
  const old = await whole(of);
  const set = await open(await followMaster(async () => (await byDns(of)) ?? { host: "127.0.0.1", port: 1 }));
  const writes = (key: string): Promise<unknown> =>
    until(
      `the client to write ${key}`,
      () => set(key).catch((error: Error) => error.message),
      (answer) => answer === "OK",
    );
  await writes("one");
  await of.switchover(null);
  await writes("two");
  const second = await whole(of);
  expect(second.container).not.toBe(old.container);
  await allHold(of, (at) => ask(at, "EXISTS", "two").then((found) => (found === 1 ? "yes" : "no")));
  await signal(of, second.container, "SIGKILL");
  await writes("three");
  const master = await whole(of);
  for (const key of ["one", "two", "three"]) expect(await ask(master, "EXISTS", key)).toBe(1);
}

/**
 * A name has no port, and the nodes of this machine are told apart by theirs: every new connection is led to where DNS
 * says at that moment, as a resolver would lead it to an address.
 */
async function followMaster(locate: () => Promise<{ host: string; port: number }>): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    const lead = async (): Promise<void> => {
      const onward = connect(await locate());
      onward.on("error", () => socket.destroy()).on("close", () => socket.destroy());
      socket.on("close", () => onward.destroy());
      socket.pipe(onward);
      onward.pipe(socket);
    };
    // Who cannot be found cannot be connected to either: the client tries again.
    lead().catch(() => socket.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  cleanUps.push(async () => server.close());
  return (server.address() as { port: number }).port;
}

/** Port → weight of the servers that HAProxy was led to by a name in Consul, such as `master`. */
async function weights(statistics: string, name: string): Promise<Readonly<Record<string, string>>> {
  const socket = connect(statistics);
  socket.end("show servers state sessions\n");
  let text = "";
  for await (const part of socket) text += String(part);
  const [, head = "", ...rows] = text.trim().split("\n");
  const columns = head.replace("# ", "").split(" ");
  const cell = (row: string, column: string): string => row.split(" ")[columns.indexOf(column)] ?? "";
  return Object.fromEntries(
    rows
      .filter((row) => cell(row, "srv_name").startsWith(name) && cell(row, "srv_port") !== "0")
      .map((row) => [cell(row, "srv_port"), cell(row, "srv_uweight")]),
  );
}

test("HAProxy with the recipe sends writes to the tagged master, with the others as backup", async () => {
  const of = await group(3);
  const old = await whole(of);
  const folder = await mkdtemp(join(tmpdir(), "heal-haproxy-"));
  const port = await freePort();
  const statistics = join(folder, "admin.sock");
  const text = (await recipe("haproxy", "backend sessions"))
    .replaceAll("_sessions._", `_${of.service}._`)
    .replace("127.0.0.1:8600", `127.0.0.1:${consul.ports.dns}`);
  const frame = [
    "global",
    `  stats socket ${statistics} mode 600 level admin`,
    "defaults",
    "  mode tcp",
    "  timeout connect 1s",
    "  timeout client 1m",
    "  timeout server 1m",
    "frontend redis",
    `  bind 127.0.0.1:${port}`,
    "  default_backend sessions",
    "",
  ].join("\n");
  await writeFile(join(folder, "haproxy.cfg"), `${frame}${text}`);
  const child: ChildProcess = spawn("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], { stdio: "ignore" });
  cleanUps.push(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const write = (key: string): Promise<unknown> =>
    ask({ address: "127.0.0.1", port }, "SET", key, "x").catch((error: Error) => error.message);
  await until(
    "writes by way of HAProxy",
    () => write("one"),
    (answer) => answer === "OK",
  );
  // The tag alone says who has which priority: 10 the master, 9 its replicas.
  const prioritiesAre = async (master: TaggedRegistration): Promise<void> => {
    const others = await replicasOf(of, master);
    await until(
      "each to have the priority of its role",
      async () => [await weights(statistics, "master"), await weights(statistics, "slave")],
      (now) =>
        isDeepStrictEqual(now, [
          { [master.port]: "10" },
          Object.fromEntries(others.map(({ port: one }) => [one, "9"])),
        ]),
    );
  };
  await prioritiesAre(old);
  await signal(of, old.container, "SIGKILL");
  await until(
    "writes go on",
    () => write("two"),
    (answer) => answer === "OK",
  );
  const master = await whole(of);
  expect(master.container).not.toBe(old.container);
  expect(await ask(master, "EXISTS", "one", "two")).toBe(2);
  await prioritiesAre(master);
});
