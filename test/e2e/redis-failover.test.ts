/** A real daemon, real Redis in real containers, a real Consul: what happens to the master, and who gets its tag. */
import { afterEach, describe, expect, test } from "vitest";
import { lostWrites, startWriter } from "../../scripts/bench/redis/writer.ts";
import { ask, keep, newMaster, roleOf, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal, RedisHealOptions } from "./support/redis-heal.ts";
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

function writerFor(of: RedisHeal) {
  return startWriter({
    locate: async () => {
      const master = await of.master();
      return master === null ? null : { host: master.address, port: master.port };
    },
  });
}

describe("a Redis service", () => {
  test("starts with exactly one master, and tags only what the nodes themselves confirm", async () => {
    const of = await group({ start: false });
    await of.startHeal();
    const master = await whole(of);
    expect(await roleOf(master)).toBe("master");
    for (const other of await of.registrations()) if (other.id !== master.id) expect(await roleOf(other)).toBe("slave");
    expect(await ask(master, "CONFIG", "GET", "min-replicas-to-write")).toEqual(["min-replicas-to-write", "1"]);
  });

  test("has another master within moments of kill -9, without losing an acknowledged write, and is whole again", async () => {
    const of = await group();
    const old = await whole(of);
    const writer = writerFor(of);
    await writer.nextAcknowledged();
    await signal(of, old.container, "SIGKILL");
    const master = await newMaster(of, old);
    await until(
      "writes go on",
      async () => writer.written().acknowledged.at(-1)?.by,
      (by) => by === `${master.address}:${master.port}`,
    );
    await whole(of);
    const written = await writer.stop();
    expect(await lostWrites(written, { host: master.address, port: master.port })).toBe(0);
    expect(written.acknowledged.length).toBeGreaterThan(100);
  });

  test("keeps names of its own for the tags, on its first master and through a failover, and tells of that step by step", async () => {
    const of = await group({ redis: { masterTag: "primary", replicaTag: "replica" }, masterTag: "primary" });
    const byTag = async (): Promise<string> =>
      (await of.registrations())
        .map(({ tags, passing }) => `${tags.join()} ${passing}`)
        .sort()
        .join("; ");
    const isWhole = (tags: string): boolean => tags === "primary true; replica true; replica true";
    const primary = async () => (await of.registrations()).find(({ tags }) => tags.includes("primary")) ?? null;
    await until("one primary and two replicas", byTag, isWhole, 60_000);
    const old = await primary();
    if (old === null) throw new Error("no primary");
    await keep(of, old);
    await signal(of, old.container, "SIGKILL");
    const next = await until("another primary", primary, (one) => one !== null && one.container !== old.container);
    if (next === null) throw new Error("no primary");
    expect(await roleOf(next)).toBe("master");
    await until("one primary and two replicas again", byTag, isWhole, 60_000);
    for (const one of await of.registrations()) expect(await ask(one, "GET", "kept")).toBe("yes");
    const report = await of.status();
    expect(report?.last).toMatchObject({ cause: "gone", from: old.container, to: next.container });
    expect(report?.last?.timeline).toMatch(/^old master untagged \+\d+ ms, .*promoted \+\d+ ms, .*tagged \+\d+ ms$/);
    expect(report?.nodes.map(({ role, link, behindBytes }) => [role, link, behindBytes === null]).sort()).toEqual([
      ["master", null, true],
      ["replica", "up", false],
      ["replica", "up", false],
    ]);
    for (const { offset } of report?.nodes ?? []) expect(offset).toBeGreaterThan(0);
    expect(report?.nodes.flatMap(({ tags }) => tags).sort()).toEqual(["primary", "replica", "replica"]);
  });

  test("has another master after the old one hangs (SIGSTOP), which is ended for good", async () => {
    const of = await group();
    const old = await whole(of);
    await signal(of, old.container, "SIGSTOP");
    const master = await newMaster(of, old);
    expect(await roleOf(master)).toBe("master");
    await whole(of);
    expect((await of.containers()).some(({ name, running }) => name === old.container && running)).toBe(false);
  });

  test("survives three failovers in a row", async () => {
    const of = await group();
    await ask(await whole(of), "SET", "kept", "through all of it");
    for (let round = 0; round < 3; round += 1) {
      const old = await whole(of);
      await signal(of, old.container, "SIGKILL");
      await newMaster(of, old);
    }
    expect(await ask(await whole(of), "GET", "kept")).toBe("through all of it");
  });

  test("loses its new master during the failover, and finds the next", async () => {
    const of = await group();
    const first = await whole(of);
    const others = (await of.registrations()).filter(({ id }) => id !== first.id);
    await keep(of, first);
    await signal(of, first.container, "SIGKILL");
    const second = await newMaster(of, first);
    await signal(of, second.container, "SIGKILL");
    const third = await newMaster(of, second);
    expect(others.map(({ container }) => container)).toContain(second.container);
    await whole(of);
    expect(await ask((await of.master()) ?? third, "GET", "kept")).toBe("yes");
  });
});

describe("a master that comes back", () => {
  test("started again by hand it is made a replica before it has any tag, and never serves empty", async () => {
    const of = await group({ count: 2 });
    const old = await whole(of, 2);
    await keep(of, old);
    await signal(of, old.container, "SIGKILL");
    const master = await newMaster(of, old);
    await of.docker
      .getContainer(old.container)
      .start()
      .catch(() => undefined);
    const now = await whole(of, 2);
    expect(now.container).toBe(master.container);
    for (const one of await of.registrations()) expect(await ask(one, "GET", "kept")).toBe("yes");
  });

  test("restarted quickly by Docker without its data it does not stay the master", async () => {
    const of = await group({ container: { restart: "always" } });
    const old = await whole(of);
    await keep(of, old);
    await signal(of, old.container, "SIGKILL");
    await newMaster(of, old);
    const master = await whole(of);
    for (const one of await of.registrations()) expect(await ask(one, "GET", "kept")).toBe("yes");
    expect(await roleOf(master)).toBe("master");
  });

  test("with writes of its own has these kept aside in a file before it becomes a replica", async () => {
    const of = await group({ count: 2, redis: { minReplicasToWrite: 0 } });
    const master = await whole(of, 2);
    const other = (await of.registrations()).find(({ id }) => id !== master.id);
    if (other === undefined) throw new Error("no replica");
    await of.stopHeal();
    await ask(other, "REPLICAOF", "NO", "ONE");
    await ask(other, "SET", "only", "here");
    await ask(master, "SET", "only", "there");
    await of.startHeal();
    await until(
      "the other is a replica again",
      () => roleOf(other),
      (role) => role === "slave",
    );
    await until(
      "the master's value",
      () => ask(other, "GET", "only"),
      (value) => value === "there",
    );
    const kept = of.results.find(({ action }) => action.kind === "attach-replica" && action.keepAsideAs !== null);
    expect(kept).toMatchObject({
      kind: "done",
      note: expect.stringMatching(/kept aside as \/data\/dump\.rdb\.diverged-/),
    });
  });
});

describe("tags", () => {
  test("are put back after the registrations were made anew, with never two masters", async () => {
    const of = await group();
    const master = await whole(of);
    for (const { id, address, port, container } of await of.registrations()) {
      const body = {
        ID: id,
        Name: of.service,
        Address: address,
        Port: port,
        EnableTagOverride: true,
        Meta: { "heal-environment": of.environment, "heal-service": of.service, "heal-container": container },
        Check: { TCP: `${address}:${port}`, Interval: "1s", Status: "passing" },
      };
      await fetch(`${of.consulUrl}/v1/agent/service/register`, { method: "PUT", body: JSON.stringify(body) });
    }
    const after = await whole(of);
    expect(after.container).toBe(master.container);
  });
});

describe("an agent that has copied the master's tag into its own state", () => {
  test("does not bring it back when the old master's check turns critical", async () => {
    const of = await group();
    const old = await whole(of);
    await until(
      "the agent has copied the tag, which it does about once a minute",
      async () => {
        const answer = await fetch(`${of.consulUrl}/v1/agent/service/${old.id}`);
        return ((await answer.json()) as { readonly Tags: readonly string[] }).Tags;
      },
      (tags) => tags.includes("master"),
      150_000,
    );
    await signal(of, old.container, "SIGKILL");
    await newMaster(of, old);
    await whole(of);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }, 240_000);
});

describe("a heal that ends in the middle", () => {
  test("leaves a failover to the next one, which finds the master gone", async () => {
    const of = await group();
    const old = await whole(of);
    await keep(of, old);
    await of.stopHeal();
    await signal(of, old.container, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Consul's agent may have taken the tag off with the check; nobody else has got it.
    expect([undefined, old.container]).toContain((await of.master())?.container);
    await of.startHeal();
    const master = await newMaster(of, old);
    await whole(of);
    expect(await ask(master, "GET", "kept")).toBe("yes");
  });
});

describe("nobody to promote", () => {
  test("a service whose only replica is of priority 0 waits, says why, and goes on once it may be promoted", async () => {
    const of = await group({ count: 2 });
    const old = await whole(of, 2);
    const other = (await of.registrations()).find(({ id }) => id !== old.id);
    if (other === undefined) throw new Error("no replica");
    await ask(other, "CONFIG", "SET", "replica-priority", "0");
    await signal(of, old.container, "SIGKILL");
    await until(
      "none-eligible",
      async () => of.decisions()?.plan.services[of.service]?.standing.redis,
      (standing) => standing?.kind === "none-eligible",
    );
    await until(
      "nobody has the tag",
      () => of.master(),
      (master) => master === null,
    );
    await ask(other, "CONFIG", "SET", "replica-priority", "100");
    expect((await newMaster(of, old)).container).toBe(other.container);
  });
});
