/** Groups under the care of three Sentinels of this machine, at the settings that make Sentinel quickest. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { askEngine, callEngine } from "../../machine/engine-api.ts";
import { freePort } from "../../machine/state.ts";
import type { BenchHost, Carer, GroupMaster } from "./carer.ts";
import { settings, settle } from "./carer.ts";

const SENTINELS = 3;

interface Node extends GroupMaster {
  readonly group: string;
}

export interface SentinelCarerOptions {
  readonly hosts: readonly BenchHost[];
  readonly groups: readonly string[];
}

export async function openSentinelCarer({ hosts, groups }: SentinelCarerOptions): Promise<Carer> {
  const directory = await mkdtemp(join(tmpdir(), "heal-bench-sentinel-"));
  const nodes: Node[] = [];
  const sentinels: ChildProcess[] = [];
  const ports: number[] = [];
  const end = async (): Promise<void> => {
    for (const sentinel of sentinels) sentinel.kill("SIGKILL");
    for (const { container, on } of nodes)
      await callEngine(on.docker, "DELETE", `/containers/${container}?force=true&v=true`);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const group of groups) nodes.push(...(await startGroup(hosts, group)));
    const masters = groups.map((group) => nodes.find((node) => node.group === group) as Node);
    for (let number = 0; number < SENTINELS; number += 1) ports.push(await freePort());
    for (const port of ports) {
      const file = join(directory, `${port}.conf`);
      await writeFile(file, configurationOf(directory, port, masters));
      sentinels.push(spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" }));
    }
    for (const node of nodes) await configure(node);
  } catch (error) {
    await end();
    throw error;
  }
  const ask = new Redis({ host: "127.0.0.1", port: ports[0] ?? 0, maxRetriesPerRequest: 1 });
  ask.on("error", () => undefined);
  const locate = async (group: string): Promise<Node | null> => {
    const answer = await ask.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", group).catch(() => null);
    if (!Array.isArray(answer)) return null;
    return nodes.find(({ host, port }) => host === String(answer[0]) && port === Number(answer[1])) ?? null;
  };
  return {
    name: "Sentinel",
    locate,
    async ready(group) {
      await settle(`${group} under Sentinel is whole`, () => isWhole(ask, group));
      const master = await locate(group);
      if (master === null) throw new Error(`Sentinel knows no master of ${group}`);
      return master;
    },
    async switchover(group) {
      await ask.call("SENTINEL", "FAILOVER", group);
    },
    async mend(group) {
      for (const node of nodes.filter((one) => one.group === group)) {
        const path = `/containers/${node.container}`;
        const { State } = await askEngine<{ State: { Running: boolean } }>(node.on.docker, "GET", `${path}/json`);
        if (State.Running) continue;
        await askEngine(node.on.docker, "POST", `${path}/start`);
        await configure(node);
      }
    },
    async end() {
      ask.disconnect();
      await end();
    },
  };
}

async function startGroup(hosts: readonly BenchHost[], group: string): Promise<readonly Node[]> {
  const nodes: Node[] = [];
  for (let slot = 0; slot < settings.count; slot += 1) {
    const on = hosts[slot % hosts.length] as BenchHost;
    const port = await freePort();
    const container = `bench-${group}-${randomUUID().slice(0, 6)}`;
    const master = nodes[0];
    const announced = ["--replica-announce-ip", on.address, "--replica-announce-port", String(port)];
    const replicaOf = master === undefined ? [] : ["--replicaof", `${master.host} ${master.port}`];
    await askEngine(on.docker, "POST", `/containers/create?name=${container}`, {
      json: {
        Image: settings.image,
        Cmd: [...settings.command, ...announced, ...replicaOf],
        ExposedPorts: { "6379/tcp": {} },
        HostConfig: { PortBindings: { "6379/tcp": [{ HostPort: String(port) }] } },
      },
    });
    await askEngine(on.docker, "POST", `/containers/${container}/start`);
    nodes.push({ group, container, on, host: on.address, port });
  }
  return nodes;
}

function configurationOf(directory: string, port: number, masters: readonly Node[]): string {
  const monitored = masters.flatMap(({ group, host, port: at }) => [
    `sentinel monitor ${group} ${host} ${at} 2`,
    `sentinel down-after-milliseconds ${group} ${settings.downAfterMs}`,
    `sentinel failover-timeout ${group} 10000`,
    `sentinel parallel-syncs ${group} 1`,
  ]);
  return [`port ${port}`, "protected-mode no", `dir ${directory}`, ...monitored, ""].join("\n");
}

async function configure({ host, port }: Node): Promise<void> {
  const client = new Redis({ host, port, maxRetriesPerRequest: 20 });
  client.on("error", () => undefined);
  for (const [name, text] of Object.entries(settings.configuration)) await client.config("SET", name, text);
  client.disconnect();
}

/** All that Sentinel needs for a quick failover: it knows the others, and what both replicas said a moment ago. */
async function isWhole(ask: Redis, group: string): Promise<boolean> {
  const fieldsOf = (answer: unknown): ReadonlyMap<string, string> => {
    const words = answer as readonly string[];
    return new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ""] as const] : [])));
  };
  try {
    const master = fieldsOf(await ask.call("SENTINEL", "MASTER", group));
    const replicas = ((await ask.call("SENTINEL", "REPLICAS", group)) as readonly unknown[]).map(fieldsOf);
    return (
      master.get("flags") === "master" &&
      Number(master.get("num-other-sentinels")) === SENTINELS - 1 &&
      replicas.length === settings.count - 1 &&
      replicas.every((one) => one.get("flags") === "slave" && one.get("master-link-status") === "ok")
    );
  } catch {
    return false;
  }
}
