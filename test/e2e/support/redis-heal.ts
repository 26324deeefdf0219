import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { diskFiles } from "../../../src/adapters/files/disk-files.ts";
import { pinoLog } from "../../../src/adapters/log/pino-log.ts";
import type { Decision } from "../../../src/loop/reconcile.ts";
import type { ActionResult } from "../../../src/model/action.ts";
import { formatProblem } from "../../../src/model/problem.ts";
import { loadSettings } from "../../../src/settings/load-settings.ts";
import { startRunning } from "../../../src/wiring/daemon.ts";

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
  change(service: object): Promise<void>;
  /** Asks for another master as a person does; resolves to its container's name. */
  switchover(to: string | null): Promise<string | null>;
  promote(to: string | null): Promise<string | null>;
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
  readonly start?: boolean;
}

export async function openRedisHeal(options: RedisHealOptions = {}): Promise<RedisHeal> {
  const docker = new Docker({ socketPath: (process.env["HEAL_TEST_DOCKER"] ?? "").replace("unix://", "") });
  const consulUrl = process.env["HEAL_TEST_CONSUL"] ?? "";
  const suffix = randomUUID().slice(0, 6);
  const environment = `redis-${suffix}`;
  const service = `cache-${suffix}`;
  const directory = await mkdtemp(join(tmpdir(), "heal-redis-"));
  const results: ActionResult[] = [];
  let last: Decision | null = null;
  let running: Awaited<ReturnType<typeof startRunning>> | null = null;

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
    health: { tcp: true, port: 6379, interval: "1s" },
    redis: { downAfter: "1s", ...options.redis },
  };
  await mkdir(join(directory, "desired"), { recursive: true });
  await write(definition);
  await writeFile(
    join(directory, "heal.json"),
    JSON.stringify({
      environments: {
        [environment]: {
          consul: { address: consulUrl },
          hosts: { h1: { docker: process.env["HEAL_TEST_DOCKER"], consulAgent: consulUrl, address: "127.0.0.1" } },
          desiredState: ["desired"],
        },
      },
      defaultEnvironment: environment,
    }),
  );

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
      const loaded = await loadSettings(diskFiles(), {
        variables: {},
        workingDirectory: directory,
        configPath: join(directory, "heal.json"),
        environment,
      } as Parameters<typeof loadSettings>[1]);
      if (loaded.kind === "invalid") throw new Error(loaded.problems.map(formatProblem).join("\n"));
      running = await startRunning({
        settings: loaded.settings,
        variables: () => null,
        log: pinoLog(process.env["HEAL_TEST_LOG"] === undefined ? "error" : "debug", {}),
        shadow: false,
        onGone: () => undefined,
        listeners: [
          { decided: (decision) => void (last = decision), acted: (_plan, outcome) => void results.push(...outcome) },
        ],
      });
    },
    async stopHeal() {
      await running?.stop();
      running = null;
    },
    async change(next) {
      await write({ ...definition, ...next });
    },
    switchover: async (to) => (await running?.controller.redis?.switchover(service, to))?.master ?? null,
    promote: async (to) => (await running?.controller.redis?.promote(service, to))?.master ?? null,
    async end() {
      await heal.stopHeal().catch(() => undefined);
      for (const { id } of await heal.containers()) await docker.getContainer(id).remove({ force: true, v: true });
      for (const { id } of await heal.registrations()) {
        await fetch(`${consulUrl}/v1/agent/service/deregister/${id}`, { method: "PUT" });
      }
      await fetch(`${consulUrl}/v1/kv/heal/${environment}?recurse`, { method: "DELETE" });
      await rm(directory, { recursive: true, force: true });
    },
  };
  if (options.start !== false) await heal.startHeal();
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
