import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { startConsul, startConsulCluster, type ConsulAgent } from "../../../scripts/machine/consul.ts";
import { realClock } from "../../../src/adapters/clock.ts";
import type { ConnectionLimits } from "../../../src/adapters/consul/connection.ts";
import { consulCoordination } from "../../../src/adapters/consul/coordination.ts";
import { consulRegistry } from "../../../src/adapters/consul/registry.ts";
import { watchRegistry } from "../../../src/adapters/consul/watch.ts";
import { realRandom } from "../../../src/adapters/random.ts";
import type { RegistryError } from "../../../src/ports/registry.ts";
import { aRegistration } from "../contracts/registry.ts";
import { connectTo, put } from "./real.ts";

const say = (): undefined => undefined;
const quick = { timeout: 10_000, interval: 5 } as const;
const fresh = { consistency: "consistent" } as const;

async function anAgent(config: object = {}): Promise<ConsulAgent> {
  const agent = await startConsul({ say, name: "own", config });
  onTestFinished(() => agent.stop());
  return agent;
}

function registryAt(url: string, limits: Partial<ConnectionLimits> = {}, token: string | null = null) {
  const connection = connectTo(url, limits, token);
  onTestFinished(() => connection.close());
  return { connection, registry: consulRegistry({ connection, agents: { h1: connection }, clock: realClock() }) };
}

type Told = {
  readonly what: "hint" | "trouble" | "recovered";
  readonly services: readonly string[] | "all";
  readonly atMs: number;
};

async function watch(registry: ReturnType<typeof consulRegistry>): Promise<Told[]> {
  const stop = new AbortController();
  const told: Told[] = [];
  const tell = (what: Told["what"], services: Told["services"] = []): void =>
    void told.push({ what, services, atMs: performance.now() });
  const done = watchRegistry(
    { registry, clock: realClock(), random: realRandom() },
    {
      onHint: (services) => tell("hint", services),
      onTrouble: () => tell("trouble"),
      onRecovered: () => tell("recovered"),
    },
    { signal: stop.signal },
  );
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  await expect.poll(() => told.some(({ services }) => services === "all"), quick).toBe(true);
  await sleep(500);
  told.length = 0;
  return told;
}

const hinted = (told: readonly Told[]): string[] => told.flatMap(({ services }) => services);

describe("watching a real Consul", () => {
  it("hints at a service when its check changes, and when an instance comes or goes", async () => {
    const { registry, connection } = registryAt((await anAgent()).address);
    for (const slot of [1, 2]) await registry.register("h1", aRegistration("web", slot));
    await registry.register("h1", aRegistration("api", 1));
    const told = await watch(registry);
    for (const [verb, count] of [
      ["fail", 1],
      ["pass", 2],
      ["warn", 3],
    ] as const) {
      await put(connection, `agent/check/${verb}/service:web.1`);
      await expect.poll(() => hinted(told).length, quick).toBe(count);
    }
    await registry.deregister("own", "web.2");
    await expect.poll(() => hinted(told).length, quick).toBe(4);
    await registry.register("h1", aRegistration("web", 3));
    await expect.poll(() => hinted(told).length, quick).toBe(5);
    expect(new Set(hinted(told))).toEqual(new Set(["web"]));
  });

  it("hints at nothing when Consul is reloaded a hundred times", async () => {
    const agent = await anAgent({
      services: [{ id: "db.1", name: "db", port: 1, check: { ttl: "10m", status: "passing" } }],
    });
    const { registry, connection } = registryAt(agent.address);
    await registry.register("h1", aRegistration("web", 1));
    const told = await watch(registry);
    for (let n = 0; n < 100; n += 1) {
      await put(connection, "agent/reload");
      // One that falls into the anti-entropy of the last one does take registrations out of the catalog for a moment.
      await sleep(20);
    }
    await sleep(2_000);
    expect(told).toEqual([]);
    await put(connection, "agent/check/fail/service:web.1");
    await expect.poll(() => hinted(told), quick).toEqual(["web"]);
  });

  it("tells of trouble while Consul is gone and of its end, and then goes on hinting", async () => {
    const agent = await anAgent();
    const { registry, connection } = registryAt(agent.address);
    await registry.register("h1", aRegistration("web", 1));
    const told = await watch(registry);
    agent.kill("SIGKILL");
    await expect.poll(() => told.map(({ what }) => what), quick).toEqual(["trouble"]);
    // A connection that was kept open breaks first; from then on nothing is sent any more.
    const kind = () =>
      registry.readService("web", fresh).then(
        () => "answered",
        (error: RegistryError) => error.kind,
      );
    await expect.poll(kind, quick).toBe("unreachable");
    await agent.restart();
    await expect.poll(() => told.some(({ what }) => what === "recovered"), quick).toBe(true);
    expect(told.filter(({ what }) => what !== "hint").map(({ what }) => what)).toEqual(["trouble", "recovered"]);
    // The restarted agent's check is critical at first: the hint may come before or after the recovery is told.
    // After a restart an agent takes up to half a minute before it tells the servers of anything, and as long again
    // where the servers had no leader yet when it first tried.
    await expect
      .poll(
        () =>
          put(connection, "agent/check/fail/service:web.1").then(
            () => hinted(told).includes("web"),
            () => false,
          ),
        { timeout: 45_000, interval: 100 },
      )
      .toBe(true);
  });

  it("finds a cluster without quorum leaderless, in reads, in the watch and in Memory", async () => {
    const servers = await startConsulCluster({ say, name: "quorum", servers: 3 });
    onTestFinished(async () => {
      for (const server of servers) await server.stop();
    });
    const [first, ...others] = servers as [ConsulAgent, ...ConsulAgent[]];
    const { registry, connection } = registryAt(first.address, { timeoutMs: 10_000 });
    await registry.register("h1", aRegistration("web", 1));
    const coordination = consulCoordination({ connection, clock: realClock(), random: realRandom() }, "live");
    const told = await watch(registry);
    for (const other of others) other.kill("SIGKILL");
    // A server that led answers what it blocked as if nothing had happened, and then keeps the next question for 7 s.
    await expect.poll(() => told.some(({ what }) => what === "trouble"), { timeout: 25_000, interval: 20 }).toBe(true);
    const reads = [
      () => registry.readService("web", fresh),
      () => coordination.loadMemory(),
      () => coordination.readLeader({}),
    ];
    for (const read of reads) {
      // At first the server still tries the leader that it had.
      const kind = () =>
        read().then(
          () => "answered",
          (error: RegistryError) => error.kind,
        );
      await expect.poll(kind, { timeout: 30_000, interval: 100 }).toBe("no-leader");
    }
    const stale = await registry.readService("web", { consistency: "stale" });
    expect(stale).toMatchObject({ knownLeader: false, value: [{ id: "web.1" }] });
    for (const other of others) await other.restart();
    await expect
      .poll(() => told.some(({ what }) => what === "recovered"), { timeout: 30_000, interval: 20 })
      .toBe(true);
    await expect
      .poll(
        () =>
          registry.readService("web", fresh).then(
            ({ value }) => value.length,
            () => 0,
          ),
        quick,
      )
      .toBe(1);
  });

  it("tells what the token may not see from what is not there", async () => {
    const acl = { enabled: true, default_policy: "allow", tokens: { master: "root", agent: "root" } };
    const agent = await anAgent({ acl });
    const root = registryAt(agent.address, {}, "root");
    let blind = "";
    const made = () =>
      aTokenWithoutRights(root.connection).then(
        (token) => (blind = token),
        () => "",
      );
    await expect.poll(made, quick).not.toBe("");
    await root.registry.register("h1", aRegistration("web", 1));
    await expect.poll(async () => (await root.registry.readService("web", fresh)).value.length, quick).toBe(1);
    expect(await root.registry.readService("none", fresh)).toMatchObject({ value: [], filtered: false });
    expect((await root.registry.readServiceNames(fresh)).filtered).toBe(false);

    for (const token of [blind, "no-such-token"]) {
      const { registry, connection } = registryAt(agent.address, {}, token);
      const seen = await registry.readService("web", fresh).catch((error: unknown) => error);
      expect(seen).toMatchObject(token === blind ? { value: [], filtered: true } : { kind: "denied" });
      const names = await registry.readServiceNames(fresh).catch((error: unknown) => error);
      expect(names).toMatchObject(token === blind ? { filtered: true } : { kind: "denied" });
      const nodes = await registry.readNodes(fresh).catch((error: unknown) => error);
      expect(nodes).toMatchObject(token === blind ? { filtered: true } : { kind: "denied" });
      await expect(registry.readKey("a/b")).rejects.toMatchObject({ kind: "denied" });
      await expect(registry.register("h1", aRegistration("web", 2))).rejects.toMatchObject({ kind: "denied" });
      const coordination = consulCoordination({ connection, clock: realClock(), random: realRandom() }, "live");
      await expect(coordination.loadMemory()).rejects.toMatchObject({ kind: "denied" });
      await expect(coordination.readLeader({})).rejects.toMatchObject({ kind: "denied" });
      const holder = { node: "x", processId: 1, version: "0", address: null };
      await expect(coordination.openSession({ holder, checkTtlMs: 1_000, lockDelayMs: 1_000 })).rejects.toMatchObject({
        kind: "denied",
      });
    }
  });

  it("stays within Consul's own limit of connections at a thousand services of ten, and wakes in milliseconds", async () => {
    const agent = await anAgent();
    const filler = connectTo(agent.address, { timeoutMs: 30_000 });
    onTestFinished(() => filler.close());
    await fill(filler, 1_000, 10);
    const { registry } = registryAt(agent.address, { connectionsMax: 100 });
    const told = await watch(registry);

    const all = Array.from({ length: 1_000 }, (_, n) => registry.readService(`s${n}`, { consistency: "default" }));
    const answers = await Promise.all(all);
    expect(answers.reduce((sum, { value }) => sum + value.length, 0)).toBe(10_000);

    const tookMs: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      told.length = 0;
      const startedAt = performance.now();
      await setCheck(filler, n * 7, n % 10, "critical");
      await expect.poll(() => hinted(told), { ...quick, interval: 2 }).toEqual([`s${n * 7}`]);
      tookMs.push(told[0]!.atMs - startedAt);
    }
    const median = tookMs.toSorted((a, b) => a - b)[10]!;
    console.error(
      `change of one of 10,000 checks → hint, ms: median ${median.toFixed(1)}, worst ${Math.max(...tookMs).toFixed(1)}`,
    );
    expect(median).toBeLessThan(200);

    // One passing registration vanishes behind everybody's back. A busy machine looks less often: ten times as long as it takes.
    await sleep(5_000);
    told.length = 0;
    const startedAt = performance.now();
    await put(filler, "catalog/deregister", {}, JSON.stringify({ Node: "node-3", ServiceID: "s500.3" }));
    await expect.poll(() => hinted(told), { timeout: 45_000, interval: 20 }).toEqual(["s500"]);
    console.error(`a registration vanished → hint, ms: ${(told[0]!.atMs - startedAt).toFixed(0)}`);
  });
});

async function aTokenWithoutRights(connection: ReturnType<typeof connectTo>): Promise<string> {
  const kinds = ["agent_prefix", "key_prefix", "node_prefix", "service_prefix", "session_prefix"];
  const Rules = kinds.map((kind) => `${kind} "" { policy = "deny" }`).join("\n");
  const Name = `none-${randomUUID()}`;
  await put(connection, "acl/policy", {}, JSON.stringify({ Name, Rules }));
  const token = await put(connection, "acl/token", {}, JSON.stringify({ Policies: [{ Name }] }));
  return (JSON.parse(token) as { SecretID: string }).SecretID;
}

/** Services `s0`…, instance k on `node-k`, straight into the catalog: agents would take a minute. */
async function fill(connection: ReturnType<typeof connectTo>, services: number, instances: number): Promise<void> {
  for (let k = 0; k < instances; k += 1) {
    await put(connection, "catalog/register", {}, JSON.stringify({ Node: `node-${k}`, Address: `192.0.2.${k + 1}` }));
  }
  const operations = Array.from({ length: services }, (_, n) =>
    Array.from({ length: instances }, (_, k) => [
      { Service: { Verb: "set", Node: `node-${k}`, Service: { ID: `s${n}.${k}`, Service: `s${n}`, Port: 8_000 } } },
      { Check: { Verb: "set", Check: aCheck(n, k, "passing") } },
    ]),
  ).flat(2);
  for (let at = 0; at < operations.length; at += 64) {
    await put(connection, "txn", {}, JSON.stringify(operations.slice(at, at + 64)));
  }
}

function aCheck(n: number, k: number, Status: string): object {
  return { Node: `node-${k}`, CheckID: `service:s${n}.${k}`, Name: "c", Status, ServiceID: `s${n}.${k}` };
}

async function setCheck(connection: ReturnType<typeof connectTo>, n: number, k: number, status: string): Promise<void> {
  await put(connection, "txn", {}, JSON.stringify([{ Check: { Verb: "set", Check: aCheck(n, k, status) } }]));
}
