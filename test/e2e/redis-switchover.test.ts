/** A planned change of master, in the order of Redis's own coordinated FAILOVER, while a client writes a thousand times a second. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import type { RedisReport } from "../../src/model/redis-report.ts";
import { longestGapMs, lostWrites, startWriter } from "../../scripts/bench/redis/writer.ts";
import { ask, roleOf, whole } from "./support/redis-faults.ts";
import type { RedisHeal } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let heal: RedisHeal | null = null;
afterEach(async () => {
  await heal?.end();
  heal = null;
});

async function switchesWithoutLoss(of: RedisHeal): Promise<void> {
  const old = await whole(of);
  const writer = startWriter({
    locate: async () => {
      const master = await of.master();
      return master === null ? null : { host: master.address, port: master.port };
    },
  });
  await until(
    "writes",
    async () => writer.written().acknowledged.length,
    (count) => count > 200,
  );
  const askedAtMs = performance.now();
  const name = await of.switchover(null);
  expect(name).not.toBe(old.container);
  const master = await whole(of);
  expect(master.container).toBe(name);
  await until(
    "writes go on",
    async () => writer.written().acknowledged.at(-1)?.by,
    (by) => by === `${master.address}:${master.port}`,
  );
  const written = await writer.stop();
  expect(await lostWrites(written, { host: master.address, port: master.port })).toBe(0);
  console.log(`switchover: unavailable for ${Math.round(longestGapMs(written, askedAtMs))} ms at 1 kHz`);
  expect(await roleOf(old)).toBe("slave");
  const again = await of.switchover(old.container);
  expect(again).toBe(old.container);
  await until(
    "the old master takes writes again, now that it is the master again",
    () => ask(old, "SET", "still", "writable").catch(String),
    (answer) => answer === "OK",
  );
}

test("a switchover loses no acknowledged write, and there are never two masters", async () => {
  heal = await openRedisHeal();
  await switchesWithoutLoss(heal);
});

test("nor does one between nodes that can only refuse writes, as before Redis 6.2", async () => {
  // Without the command each says what an old one says to `CLIENT PAUSE … WRITE`: that it knows no such thing.
  heal = await openRedisHeal({ command: ["--save", "", "--appendonly", "no", "--rename-command", "CLIENT", ""] });
  await switchesWithoutLoss(heal);
  const notes = heal.results.map((result) => (result.kind === "done" ? (result.note ?? "") : ""));
  expect(notes.some((note) => note.includes("writes refused"))).toBe(true);
});

test("a switchover to a named instance makes that one the master; to one that is not there it is refused", async () => {
  heal = await openRedisHeal();
  const master = await whole(heal);
  const other = (await heal.registrations()).find(({ id }) => id !== master.id);
  if (other === undefined) throw new Error("no replica");
  await expect(heal.switchover("nobody")).rejects.toThrow(/no replica of that name/);
  expect((await heal.master())?.container).toBe(master.container);
  expect(await heal.switchover(other.container)).toBe(other.container);
  expect((await heal.master())?.container).toBe(other.container);
});

test("a switchover to a replica that cannot keep up leaves all as it was", async () => {
  heal = await openRedisHeal({ count: 2 });
  const of = heal;
  const master = await whole(of, 2);
  const other = (await of.registrations()).find(({ id }) => id !== master.id);
  if (other === undefined) throw new Error("no replica");
  await ask(master, "CONFIG", "SET", "repl-timeout", "600");
  await ask(other, "CONFIG", "SET", "replica-priority", "0");
  await expect(of.switchover(null)).rejects.toThrow(/linked and may take over/);
  expect(await roleOf(master)).toBe("master");
  await ask(master, "SET", "still", "writable");
});

test("heal redis status and switchover do without a daemon as well", async () => {
  heal = await openRedisHeal({ count: 2 });
  const of = heal;
  const master = await whole(of, 2);
  await of.stopHeal();
  const cli = async (...words: readonly string[]): Promise<RedisReport> => {
    const command = ["dist/bin.js", "redis", ...words, "--config", of.settingsFile, "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env: process.env });
    return JSON.parse(stdout) as RedisReport;
  };
  const before = await cli("status", of.service);
  expect(before).toMatchObject({ master: master.container, standing: { kind: "well", writable: true } });
  expect(before.nodes.map(({ role }) => role).toSorted()).toEqual(["master", "replica"]);
  const after = await cli("switchover", of.service);
  expect(after.master).not.toBe(master.container);
  expect((await of.master())?.container).toBe(after.master);
}, 120_000);
