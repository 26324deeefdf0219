import type { RedisReport } from "../../../src/model/redis-report.ts";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import type { Decision } from "../../../src/loop/reconcile.ts";
import type { ActionResult } from "../../../src/model/action.ts";
import type { HealDaemon } from "./redis-daemon.ts";
import { startInProcess, startProgram } from "./redis-daemon.ts";
import { watchTags } from "./redis-tag-watch.ts";

/** A real `heal` daemon over the machine's engine and Consul agent, with one Redis service of its own. */
export interface RedisHeal {
  readonly environment: string;
  readonly service: string;
  /** The settings file that everything of it is run with. */
  readonly settingsFile: string;
  readonly docker: Docker;
  readonly consulUrl: string;
  /** What has been done so far, in order. */
  readonly results: readonly ActionResult[];
  readonly decisions: () => Decision | null;
  /** Name → container id of what runs. */
  containers(): Promise<readonly { readonly id: string; readonly name: string; readonly running: boolean }[]>;
  /** Registrations as a consistent read gives them. */
  registrations(): Promise<readonly TaggedRegistration[]>;
  master(): Promise<TaggedRegistration | null>;
  startHeal(): Promise<void>;
  stopHeal(): Promise<void>;
  /** SIGKILL; only of a heal that runs as a program. Resolves when it is gone. */
  killHeal(): Promise<void>;
  /** What a heal that runs as a program has logged; "" for one in this process. */
  log(): string;
  change(service: object): Promise<void>;
  /** What `heal redis status` says. */
  status(): Promise<RedisReport | null>;
  /** Asks for another master as a person does; resolves to its container's name. */
  switchover(to: string | null): Promise<string | null>;
  promote(to: string | null): Promise<string | null>;
  /** Clears everything away, and rejects if two masters were ever tagged at once. */
  end(): Promise<void>;
}

export interface TaggedRegistration {
  readonly id: string;
  readonly container: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly passing: boolean;
}

export interface RedisHealOptions {
  readonly count?: number;
  readonly command?: readonly string[];
  readonly redis?: object;
  readonly container?: object;
  readonly health?: object;
  /** Laid over the service's definition. */
  readonly service?: object;
  readonly start?: boolean;
  /** Runs the built program, in a process of its own, which can be killed. */
  readonly program?: boolean;
  /** Where heal itself finds Docker and Consul, when not where the test does. */
  readonly docker?: string;
  readonly consul?: string;
  /** The cluster to use instead of the machine's, with the agent that owns the registrations. */
  readonly cluster?: { readonly consul: string; readonly agent: string };
  /** The host's address, as its settings say it. */
  readonly address?: string;
  readonly settings?: object;
  readonly environmentSettings?: object;
  readonly masterTag?: string;
  /** For what Consul's agents may do where heal cannot reach them: how long two masters may be tagged. */
  readonly twoMastersMaxMs?: number;
}

export async function openRedisHeal(options: RedisHealOptions = {}): Promise<RedisHeal> {
  const docker = new Docker({ socketPath: (process.env["HEAL_TEST_DOCKER"] ?? "").replace("unix://", "") });
  const consulUrl = options.cluster?.consul ?? process.env["HEAL_TEST_CONSUL"] ?? "";
  const agentUrl = options.cluster?.agent ?? consulUrl;
  const suffix = randomUUID().slice(0, 6);
  const environment = `redis-${suffix}`;
  const service = `cache-${suffix}`;
  const directory = await mkdtemp(join(tmpdir(), "heal-redis-"));
  const results: ActionResult[] = [];
  let last: Decision | null = null;
  let running: HealDaemon | null = null;

  const write = (definition: object): Promise<void> =>
    writeFile(join(directory, "desired", "redis.json"), JSON.stringify({ services: { [service]: definition } }));
  const definition = {
    count: options.count ?? 3,
    container: {
      image: "heal-demo/redis:1",
      command: options.command ?? ["--save", "", "--appendonly", "no"],
      ports: [{ container: 6379 }],
      stopGrace: "1s",
      ...options.container,
    },
    health: { tcp: true, port: 6379, interval: "1s", ...options.health },
    redis: { downAfter: "1s", ...options.redis },
    ...options.service,
  };
  await mkdir(join(directory, "desired"), { recursive: true });
  await write(definition);
  await writeFile(
    join(directory, "heal.json"),
    JSON.stringify({
      environments: {
        [environment]: {
          consul: { address: options.consul ?? consulUrl },
          hosts: {
            h1: {
              docker: options.docker ?? process.env["HEAL_TEST_DOCKER"],
              consulAgent: options.cluster === undefined ? (options.consul ?? consulUrl) : agentUrl,
              address: options.address ?? "127.0.0.1",
            },
          },
          desiredState: ["desired"],
          ...options.environmentSettings,
        },
      },
      server: { listen: "none", socket: join(directory, "heal.sock") },
      ...options.settings,
      defaultEnvironment: environment,
    }),
  );

  const watch = watchTags(consulUrl, service, options.masterTag ?? "master");
  const heal: RedisHeal = {
    environment,
    service,
    settingsFile: join(directory, "heal.json"),
    docker,
    consulUrl,
    results,
    decisions: () => last,
    async containers() {
      const all = await docker.listContainers({ all: true, filters: { label: [`heal.environment=${environment}`] } });
      return all.map(({ Id, Names, State }) => ({
        id: Id,
        name: (Names[0] ?? "").replace("/", ""),
        running: State === "running" || State === "paused",
      }));
    },
    async registrations() {
      const answer = await fetch(`${consulUrl}/v1/health/service/${service}?consistent`);
      const entries = (await answer.json()) as readonly HealthEntry[];
      return entries.map(({ Service, Node, Checks }) => ({
        id: Service.ID,
        container: Service.Meta["heal-container"] ?? "",
        address: Service.Address === "" ? Node.Address : Service.Address,
        port: Service.Port,
        tags: Service.Tags ?? [],
        passing: Checks.every(({ Status }) => Status === "passing"),
      }));
    },
    async master() {
      return (await heal.registrations()).find(({ tags }) => tags.includes("master")) ?? null;
    },
    async startHeal() {
      const settingsFile = join(directory, "heal.json");
      running =
        options.program === true
          ? await startProgram(settingsFile, join(directory, "heal.log"))
          : await startInProcess(settingsFile, environment, {
              decided: (decision) => void (last = decision),
              acted: (_plan, outcome) => void results.push(...outcome),
            });
    },
    async stopHeal() {
      await running?.stop();
      running = null;
    },
    async killHeal() {
      await running?.kill();
      running = null;
    },
    log: () => running?.log() ?? "",
    async change(next) {
      await write({ ...definition, ...next });
    },
    status: async () => (await running?.ask("status", service, null)) ?? null,
    switchover: async (to) => (await running?.ask("switchover", service, to))?.master ?? null,
    promote: async (to) => (await running?.ask("promote", service, to))?.master ?? null,
    async end() {
      await heal.stopHeal().catch(() => undefined);
      const seen = await watch.stop();
      for (const { id } of await heal.containers()) await docker.getContainer(id).remove({ force: true, v: true });
      for (const { id } of await heal.registrations()) {
        await fetch(`${agentUrl}/v1/agent/service/deregister/${id}`, { method: "PUT" });
      }
      await fetch(`${consulUrl}/v1/kv/heal/${environment}?recurse`, { method: "DELETE" });
      await rm(directory, { recursive: true, force: true });
      if (seen.reads === 0) throw new Error("the tags were never read");
      if (seen.twoMs > (options.twoMastersMaxMs ?? 0)) {
        throw new Error(`two masters were tagged for ${Math.round(seen.twoMs)} ms: ${seen.examples.join(" | ")}`);
      }
    },
  };
  if (options.start === false) return heal;
  try {
    await heal.startHeal();
  } catch (error) {
    await heal.end().catch(() => undefined);
    throw error;
  }
  return heal;
}

interface HealthEntry {
  readonly Node: { readonly Address: string };
  readonly Service: {
    readonly ID: string;
    readonly Address: string;
    readonly Port: number;
    readonly Tags: readonly string[] | null;
    readonly Meta: Readonly<Record<string, string>>;
  };
  readonly Checks: readonly { readonly Status: string }[];
}

/** Asks again and again until it is so; rejects with what it last was. */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  isSo: (value: T) => boolean,
  withinMs = 30_000,
): Promise<T> {
  const endMs = Date.now() + withinMs;
  let value: T | undefined;
  for (;;) {
    value = await look();
    if (isSo(value)) return value;
    if (Date.now() > endMs) throw new Error(`${what}: still ${JSON.stringify(value)} after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
