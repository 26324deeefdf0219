/** What nodes hold and how they are entered: TLS, users, addresses behind NAT, disks that are full, data that loads. */
import { randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, inject, test } from "vitest";
import { Redis } from "ioredis";
import { askEngine } from "../../scripts/machine/engine-api.ts";
import { mustRun } from "../../scripts/machine/processes.ts";
import { allHold, ask, keep, newMaster, replicasOf, roleOf, signal, standsAs, whole } from "./support/redis-faults.ts";
import type { RedisHeal, RedisHealOptions, TaggedRegistration } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let heal: RedisHeal | null = null;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await heal?.end();
  heal = null;
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function group(options: RedisHealOptions = {}): Promise<RedisHeal> {
  heal = await openRedisHeal(options);
  return heal;
}

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "heal-redis-data-"));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  return folder;
}

async function aSecret(value: string): Promise<string> {
  const key = `test-secrets/${randomUUID()}`;
  const url = `${process.env["HEAL_TEST_CONSUL"]}/v1/kv/${key}`;
  await fetch(url, { method: "PUT", body: value });
  cleanUps.push(() => fetch(url, { method: "DELETE" }));
  return key;
}

/** Fails over once, and gives what the group still holds of `kept`. */
async function survives(of: RedisHeal, count: number, get: (port: number) => Promise<unknown>): Promise<void> {
  const old = await whole(of, count);
  await allHold(of, ({ port }) => get(port));
  await signal(of, old.container, "SIGKILL");
  const master = await newMaster(of, old);
  expect(await get(master.port)).toBe("yes");
  await whole(of, count);
}

test("a group that speaks TLS alone starts, fails over and is whole again", async () => {
  const folder = await aFolder();
  const file = (name: string): string => join(folder, name);
  const quiet = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await mustRun("openssl", [
    "req",
    "-x509",
    ...quiet,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.crt"),
    "-subj",
    "/CN=test CA",
    "-days",
    "1",
  ]);
  await mustRun("openssl", [
    "req",
    ...quiet,
    "-keyout",
    file("node.key"),
    "-out",
    file("node.csr"),
    "-subj",
    "/CN=redis.test",
  ]);
  await writeFile(file("names"), "subjectAltName=DNS:redis.test\n");
  await mustRun("openssl", [
    "x509",
    "-req",
    "-in",
    file("node.csr"),
    "-CA",
    file("ca.crt"),
    "-CAkey",
    file("ca.key"),
    "-CAcreateserial",
    "-out",
    file("node.crt"),
    "-days",
    "1",
    "-extfile",
    file("names"),
  ]);
  for (const name of await readdir(folder)) await chmod(file(name), 0o644);
  const tls = [
    "--port",
    "0",
    "--tls-port",
    "6379",
    "--tls-cert-file",
    "/tls/node.crt",
    "--tls-key-file",
    "/tls/node.key",
  ];
  const of = await group({
    count: 2,
    command: ["--save", "", ...tls, "--tls-ca-cert-file", "/tls/ca.crt", "--tls-replication", "yes"],
    container: { volumes: [`${folder}:/tls:ro`] },
    settings: { policy: { allow: [`file:${folder}`] } },
    redis: {
      tls: { ca: file("ca.crt"), certificate: file("node.crt"), key: file("node.key"), serverName: "redis.test" },
    },
  });
  const say = (port: number, ...words: string[]): Promise<string> =>
    mustRun("redis-cli", [
      "-p",
      String(port),
      "--tls",
      "--cacert",
      file("ca.crt"),
      "--cert",
      file("node.crt"),
      "--key",
      file("node.key"),
      "--sni",
      "redis.test",
      ...words,
    ]);
  const master = await whole(of, 2);
  await say(master.port, "SET", "kept", "yes");
  await survives(of, 2, async (port) => (await say(port, "GET", "kept")).trim());
});

test("heal and the replicas each log in as a user of their own, and clients do with another", async () => {
  const [own, replica] = [await aSecret("of-heal"), await aSecret("of-replicas")];
  const of = await group({
    count: 2,
    command: [
      "--save",
      "",
      "--user",
      "heal",
      "on",
      ">of-heal",
      "~*",
      "&*",
      "+@all",
      "--user",
      "copier",
      "on",
      ">of-replicas",
      "+psync",
      "+replconf",
      "+ping",
      "--user",
      "default",
      "on",
      ">clients",
      "~*",
      "&*",
      "+@all",
      "-@admin",
    ],
    redis: {
      auth: {
        username: "heal",
        password: { consulKey: own },
        replica: { username: "copier", password: { consulKey: replica } },
      },
    },
  });
  const asClient = async (port: number, ...words: string[]): Promise<unknown> => {
    const client = new Redis({ port, password: "clients", maxRetriesPerRequest: 1, enableReadyCheck: false });
    client.on("error", () => undefined);
    try {
      return await client.call(words[0] ?? "PING", ...words.slice(1));
    } finally {
      client.disconnect();
    }
  };
  const master = await whole(of, 2);
  expect(await asClient(master.port, "SET", "kept", "yes")).toBe("OK");
  await expect(asClient(master.port, "CONFIG", "GET", "dir")).rejects.toThrow(/NOPERM/);
  await survives(of, 2, (port) => asClient(port, "GET", "kept"));
});

test("a password that is switched on while all runs is taken up without another master", async () => {
  const key = await aSecret("new one");
  const of = await group({ count: 2 });
  const master = await whole(of, 2);
  await of.change({ redis: { downAfter: "1s", auth: { password: { consulKey: key } } } });
  await until(
    "a password",
    () => ask(master, "PING").catch((error: Error) => error.message),
    (answer) => String(answer).startsWith("NOAUTH"),
  );
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect((await whole(of, 2)).container).toBe(master.container);
  const links = await mustRun("redis-cli", [
    "-p",
    String(master.port),
    "-a",
    "new one",
    "--no-auth-warning",
    "INFO",
    "replication",
  ]);
  expect(links).toMatch(/connected_slaves:1/);
});

test("nodes behind NAT are announced by the address and the published port that the others reach", async () => {
  const { IPAM } = await askEngine<{ IPAM: { Config: { Gateway: string }[] } }>(
    inject("docker"),
    "GET",
    "/networks/bridge",
  );
  const address = IPAM.Config[0]?.Gateway ?? "";
  const of = await group({ count: 2, address });
  const master = await whole(of, 2);
  const [replica] = await replicasOf(of, master);
  const info = String(await ask(master, "INFO", "replication"));
  expect(info).toMatch(new RegExp(`slave0:ip=${address},port=${replica?.port},`));
  await keep(of, master);
  await survives(of, 2, (port) => ask({ address, port }, "GET", "kept"));
});

test("nodes of a host whose address is a name are announced, compared and re-pointed by that name", async () => {
  const { IPAM } = await askEngine<{ IPAM: { Config: { Gateway: string }[] } }>(
    inject("docker"),
    "GET",
    "/networks/bridge",
  );
  const gateway = IPAM.Config[0]?.Gateway ?? "";
  // What this machine calls itself leads to it from outside of the containers, and what is told to them, from inside.
  const name = hostname();
  await expect(lookup(name)).resolves.toBeDefined();
  const folder = await aFolder();
  await writeFile(join(folder, "hosts"), `127.0.0.1 localhost\n${gateway} ${name}\n`, { mode: 0o644 });
  const of = await group({
    address: name,
    container: { volumes: [`${join(folder, "hosts")}:/etc/hosts:ro`] },
    settings: { policy: { allow: [`file:${folder}`] } },
  });
  const master = await whole(of);
  const others = await replicasOf(of, master);
  expect(master.address).toBe(name);
  const info = String(await ask(master, "INFO", "replication"));
  for (const { port } of others) expect(info).toMatch(new RegExp(`slave\\d:ip=${name},port=${port},state=online`));
  const follows = async (at: TaggedRegistration): Promise<unknown> =>
    ((await ask(at, "ROLE")) as readonly unknown[]).slice(1, 3);
  for (const other of others) expect(await follows(other)).toEqual([name, master.port]);
  const [one] = others;
  if (one === undefined) throw new Error("no replica");
  await ask(one, "REPLICAOF", "192.0.2.99", "6379");
  await until(
    "it is re-pointed",
    () => follows(one),
    (now) => JSON.stringify(now) === JSON.stringify([name, master.port]),
  );
  // Who was not known again by its name would be attached at every look.
  const attached = () => of.results.filter(({ action }) => action.kind === "attach-replica").length;
  await whole(of);
  const before = attached();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(attached()).toBe(before);
  await keep(of, master);
  await survives(of, 3, (port) => ask({ address: name, port }, "GET", "kept"));
});

test("a group on volumes that loses every node at once has its data again, with one master", async () => {
  const name = `redis-data-${randomUUID().slice(0, 6)}`;
  const volumes = [1, 2, 3, 4, 5, 6].map((slot) => `${name}-${slot}`);
  cleanUps.push(() =>
    Promise.all(
      volumes.map((volume) =>
        askEngine(inject("docker"), "DELETE", `/volumes/${volume}?force=true`).catch(() => undefined),
      ),
    ),
  );
  const of = await group({
    count: 2,
    command: ["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
    container: { volumes: [`${name}-{slot}:/data`] },
  });
  const master = await whole(of, 2);
  await keep(of, master);
  await Promise.all((await of.registrations()).map(({ container }) => signal(of, container, "SIGKILL")));
  await until(
    "other containers",
    () => of.registrations(),
    (all) => all.length === 2 && all.every(({ container }) => container !== master.container),
  );
  const again = await whole(of, 2);
  for (const one of await of.registrations()) expect(await ask(one, "GET", "kept")).toBe("yes");
  expect(await roleOf(again)).toBe("master");
});

test("a master that is quickly started again and loads for long is not waited for", async () => {
  const name = `redis-load-${randomUUID().slice(0, 6)}`;
  cleanUps.push(() =>
    Promise.all(
      [1, 2, 3].map((slot) =>
        askEngine(inject("docker"), "DELETE", `/volumes/${name}-${slot}?force=true`).catch(() => undefined),
      ),
    ),
  );
  const of = await group({
    // Each key takes 5 ms to load: 10 s in all.
    command: ["--save", "", "--appendonly", "yes", "--key-load-delay", "5000"],
    container: { volumes: [`${name}-{slot}:/data`], restart: "always" },
  });
  const old = await whole(of);
  await ask(old, "EVAL", "for i = 1, 2000 do redis.call('SET', 'key:' .. i, i) end", "0");
  await ask(old, "WAIT", "2", "1000");
  // Only a rewritten file holds keys and not commands.
  await ask(old, "BGREWRITEAOF");
  await until(
    "rewritten",
    async () => String(await ask(old, "INFO", "persistence")),
    (info) => info.includes("aof_rewrite_in_progress:0") && info.includes("aof_rewrite_scheduled:0"),
  );
  const beganMs = performance.now();
  await signal(of, old.container, "SIGKILL");
  const master = await newMaster(of, old);
  expect(performance.now() - beganMs).toBeLessThan(8_000);
  expect(await ask(master, "DBSIZE")).toBe(2_000);
  await whole(of);
});

/** A file system of a few megabytes, mounted as the data of every node. */
async function smallDisk(): Promise<string> {
  const folder = await aFolder();
  await mustRun("mount", ["-t", "tmpfs", "-o", "size=12m,mode=1777", "tmpfs", folder]);
  cleanUps.push(() => mustRun("umount", ["-l", folder]));
  for (const slot of [1, 2, 3]) await mkdir(join(folder, String(slot)), { mode: 0o777 });
  return folder;
}

async function fillUp(folder: string): Promise<void> {
  await mustRun("sh", ["-c", `dd if=/dev/zero of=${folder}/full bs=64k 2>/dev/null; true`]);
}

test("a master whose disk is full is named and left as it is; with room again all is well", async () => {
  const folder = await smallDisk();
  const of = await group({
    count: 2,
    command: ["--save", "3600 1", "--appendonly", "no"],
    container: { volumes: [`${folder}/{slot}:/data`] },
  });
  const master = await whole(of, 2);
  await ask(master, "SET", "kept", "yes");
  await fillUp(folder);
  await ask(master, "BGSAVE");
  await until(
    "writes are refused",
    () => ask(master, "SET", "more", "x").catch((error: Error) => error.message),
    (answer) => String(answer).startsWith("MISCONF"),
  );
  await standsAs(of, "cannot-save");
  expect((await of.master())?.container).toBe(master.container);
  await rm(join(folder, "full"));
  await ask(master, "BGSAVE");
  await standsAs(of, "well");
  expect(await ask(master, "SET", "more", "x")).toBe("OK");
});

test("data of its own that cannot be kept aside for want of room leaves a node as it is, untagged", async () => {
  const folder = await smallDisk();
  const of = await group({
    count: 2,
    redis: { minReplicasToWrite: 0 },
    container: { volumes: [`${folder}/{slot}:/data`] },
  });
  const master = await whole(of, 2);
  const [other] = await replicasOf(of, master);
  if (other === undefined) throw new Error("no replica");
  await of.stopHeal();
  await ask(other, "REPLICAOF", "NO", "ONE");
  await ask(other, "SET", "only", "here");
  await ask(master, "SET", "only", "there");
  await fillUp(folder);
  await of.startHeal();
  await until(
    "an attempt that failed",
    async () => of.results.find(({ action, kind }) => action.kind === "attach-replica" && kind === "failed"),
    (failed) => failed !== undefined,
  );
  expect(await roleOf(other)).toBe("master");
  expect(await ask(other, "GET", "only")).toBe("here");
  expect((await of.registrations()).find(({ id }) => id === other.id)?.tags).toEqual([]);
  await rm(join(folder, "full"));
  await until(
    "it follows, its data kept aside",
    () => ask(other, "GET", "only"),
    (value) => value === "there",
  );
  expect((await mustRun("find", [folder, "-name", "dump.rdb.diverged-*"])).trim()).not.toBe("");
});
