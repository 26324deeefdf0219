/** What nodes and networks do: who is believed, who is chosen, and who is left alone. Real Redis in real containers. */
import { afterEach, expect, test } from "vitest";
import {
  ask,
  dropPackets,
  keep,
  newMaster,
  replicasOf,
  roleOf,
  signal,
  standsAs,
  whole,
} from "./support/redis-faults.ts";
import type { RedisHeal, RedisHealOptions, TaggedRegistration } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let heal: RedisHeal | null = null;
afterEach(async () => {
  await heal?.end();
  heal = null;
});

async function group(options: RedisHealOptions = {}): Promise<RedisHeal> {
  heal = await openRedisHeal(options);
  return heal;
}

async function two(of: RedisHeal, master: TaggedRegistration): Promise<[TaggedRegistration, TaggedRegistration]> {
  const [one, other] = await replicasOf(of, master);
  if (one === undefined || other === undefined) throw new Error("no two replicas");
  return [one, other];
}

const changes = (of: RedisHeal) => of.results.filter(({ action }) => action.kind === "promote-replica");

test("a master that only heal cannot reach stays the master, since its replicas hear of it", async () => {
  const of = await group();
  const master = await whole(of);
  const gateway = String(await ask(master, "CLIENT", "INFO")).match(/addr=([\d.]+):/)?.[1] ?? "";
  const restore = await dropPackets(of, master.container, ["INPUT", "-s", gateway]);
  await standsAs(of, "master-silent");
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(changes(of)).toEqual([]);
  await restore();
  expect((await whole(of)).container).toBe(master.container);
});

test("a master cut off from everybody, both ways, is replaced, and its container ended for good", async () => {
  const of = await group();
  const old = await whole(of);
  await dropPackets(of, old.container, ["INPUT"], ["OUTPUT"]);
  const master = await newMaster(of, old);
  expect(await roleOf(master)).toBe("master");
  await whole(of);
  expect((await of.containers()).some(({ name, running }) => name === old.container && running)).toBe(false);
});

test("a replica that dies during the failover is replaced and follows the new master", async () => {
  const of = await group();
  const old = await whole(of);
  const [one, other] = await two(of, old);
  await keep(of, old);
  await ask(one, "CONFIG", "SET", "replica-priority", "10");
  await Promise.all([signal(of, old.container, "SIGKILL"), signal(of, other.container, "SIGKILL")]);
  expect((await newMaster(of, old)).container).toBe(one.container);
  await whole(of);
  for (const node of await of.registrations()) expect(await ask(node, "GET", "kept")).toBe("yes");
});

test("the replica with the smallest priority is chosen, and never one that hides itself", async () => {
  const of = await group();
  const old = await whole(of);
  const [one, other] = await two(of, old);
  await ask(one, "CONFIG", "SET", "replica-priority", "1");
  await ask(one, "CONFIG", "SET", "replica-announced", "no");
  await ask(other, "CONFIG", "SET", "replica-priority", "200");
  await signal(of, old.container, "SIGKILL");
  expect((await newMaster(of, old)).container).toBe(other.container);
});

test("a master whose replicas do not keep up takes no writes, is named, and goes on once they do", async () => {
  const of = await group({ count: 2, redis: { downAfter: "1s", minReplicasToWrite: 1 } });
  const master = await whole(of, 2);
  const [replica] = await replicasOf(of, master);
  if (replica === undefined) throw new Error("no replica");
  // What it has received it cannot say any more: the master counts by that alone.
  const restore = await dropPackets(of, replica.container, ["OUTPUT", "-p", "tcp", "--dport", "6379"]);
  await standsAs(of, "too-few-replicas");
  await expect(ask(master, "SET", "refused", "x")).rejects.toThrow(/NOREPLICAS/);
  expect((await of.status())?.standing.sentence).toMatch(/takes no writes: 0 of its replicas keep up/);
  await restore();
  await standsAs(of, "well");
  expect(await ask(master, "SET", "taken", "x")).toBe("OK");
  expect((await whole(of, 2)).container).toBe(master.container);
  expect(changes(of)).toEqual([]);
});

test("a slow replica does not win over the one that has all of the writes", async () => {
  const of = await group();
  const old = await whole(of);
  const [slow, other] = await two(of, old);
  await signal(of, slow.container, "SIGSTOP");
  // More than the system keeps for it while it stands still, so that it cannot have it all when it goes on.
  for (let number = 0; number < 200; number += 1) await ask(old, "SET", `write:${number}`, "x".repeat(100_000));
  await until(
    "the other one to have all of the writes",
    () => ask(other, "DBSIZE"),
    (size) => size === 200,
  );
  await signal(of, old.container, "SIGKILL");
  await signal(of, slow.container, "SIGCONT");
  expect((await newMaster(of, old)).container).toBe(other.container);
  expect(await ask(await whole(of), "DBSIZE")).toBe(200);
});

test("a master that somebody makes a replica of a stranger does not stay one: the group has a master again", async () => {
  const of = await group();
  const old = await whole(of);
  await keep(of, old);
  await ask(old, "REPLICAOF", "192.0.2.99", "6379");
  const master = await until(
    "a master that says so itself",
    async () => {
      const tagged = await of.master();
      return tagged === null ? null : (await roleOf(tagged)) === "master" ? tagged : null;
    },
    (found) => found !== null,
  );
  await whole(of);
  expect(await ask(master ?? old, "GET", "kept")).toBe("yes");
});

test("a replica that somebody promotes by hand beside a living master is made a replica again", async () => {
  const of = await group();
  const master = await whole(of);
  const [one] = await two(of, master);
  await ask(one, "REPLICAOF", "NO", "ONE");
  await until(
    "it follows again",
    () => roleOf(one),
    (role) => role === "slave",
  );
  expect((await whole(of)).container).toBe(master.container);
});

test("nodes that answer PING with an error are looked after all the same", async () => {
  const of = await group({ count: 2 });
  const old = await whole(of, 2);
  // Another name for PING would end Redis's own replication, which begins with it.
  for (const one of await of.registrations()) await ask(one, "ACL", "SETUSER", "default", "-ping");
  await expect(ask(old, "PING")).rejects.toThrow(/NOPERM/);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect((await whole(of, 2)).container).toBe(old.container);
  await signal(of, old.container, "SIGKILL");
  await newMaster(of, old);
  await whole(of, 2);
});

test("a replica that died is replaced while the master goes on, and no other master is made", async () => {
  const of = await group();
  const master = await whole(of);
  const [one] = await two(of, master);
  await signal(of, one.container, "SIGKILL");
  await until(
    "another instance in its place",
    () => of.registrations(),
    (all) => all.length === 3 && all.every(({ container }) => container !== one.container),
  );
  expect((await whole(of)).container).toBe(master.container);
  expect(changes(of)).toEqual([]);
});

test("a switchover to a replica that hangs leaves the master as it was, and writable", async () => {
  const of = await group({ count: 2, redis: { downAfter: "10s", minReplicasToWrite: 0 } });
  const master = await whole(of, 2);
  const [other] = await replicasOf(of, master);
  if (other === undefined) throw new Error("no replica");
  await signal(of, other.container, "SIGSTOP");
  await expect(of.switchover(null)).rejects.toThrow();
  expect(await roleOf(master)).toBe("master");
  expect(await ask(master, "SET", "still", "writable")).toBe("OK");
  await signal(of, other.container, "SIGCONT");
  expect((await whole(of, 2)).container).toBe(master.container);
});

test("a loss that is larger than allowed waits for a person, who accepts it", async () => {
  const of = await group({ redis: { maxDataLoss: "0B", minReplicasToWrite: 0 } });
  const old = await whole(of);
  const others = await two(of, old);
  // Nothing reaches the replicas any more, and heal hears the master's offset grow.
  const restores = await Promise.all(
    others.map(({ container }) => dropPackets(of, container, ["INPUT", "-p", "tcp", "--sport", "6379"])),
  );
  await ask(old, "SET", "lost", "x".repeat(10_000));
  await until(
    "heal to have heard of it",
    async () => Math.max(...((await of.status())?.nodes ?? []).map(({ offset }) => offset ?? 0)),
    (offset) => offset > 10_000,
  );
  await signal(of, old.container, "SIGKILL");
  await standsAs(of, "too-much-loss");
  await until(
    "nobody has the tag",
    () => of.master(),
    (master) => master === null,
  );
  for (const restore of restores) await restore();
  await of.promote(null);
  expect((await newMaster(of, old)).container).not.toBe(old.container);
});
