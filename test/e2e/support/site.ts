import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { askEngine, callEngine } from "../../../scripts/machine/engine-api.ts";
import { run } from "../../../scripts/machine/processes.ts";

/**
 * One environment of its own on real parts: its settings, its desired state, and the built program as a user runs it.
 * What is there is read from Docker and Consul, never from heal's own word.
 */
export interface Site {
  readonly environment: string;
  readonly folder: string;
  readonly config: string;
  /** Replaces the desired state. */
  desire(services: Readonly<Record<string, object>>): void;
  heal(...args: string[]): Promise<Outcome>;
  /** The same with something on its standard input. */
  healWith(input: string, ...args: string[]): Promise<Outcome>;
  daemon(...args: string[]): Promise<DaemonProcess>;
  containers(service: string, options?: { readonly all?: boolean }): Promise<readonly Listed[]>;
  registrations(service: string): Promise<readonly Listing[]>;
  docker<Answer>(method: "GET" | "POST" | "DELETE", path: string, json?: object): Promise<Answer>;
  exec(container: string, ...command: string[]): Promise<void>;
  close(): Promise<void>;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DaemonProcess {
  readonly child: ChildProcess;
  log(): string;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Status: string;
  readonly Created: number;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface Listing {
  readonly id: string;
  readonly status: "passing" | "warning" | "critical";
  readonly container: string | null;
  readonly tags: readonly string[];
}

export interface SiteOptions {
  readonly docker: string;
  readonly consul: string;
  /** Laid over the settings: hosts, leadership, alerts, … */
  readonly settings?: object;
  readonly environmentSettings?: object;
}

/** HEAL_TEST_PROGRAM: a build that stays as it is while another one is being made. */
export const program = resolve(process.env["HEAL_TEST_PROGRAM"] ?? "dist/bin.js");

export function openSite({ docker, consul, settings = {}, environmentSettings = {} }: SiteOptions): Site {
  const environment = `t${randomBytes(3).toString("hex")}`;
  const folder = mkdtempSync(join(tmpdir(), "heal-site-"));
  const config = join(folder, "heal.json");
  mkdirSync(join(folder, "desired"));
  const hosts = { local: { docker, address: "127.0.0.1" } };
  const own = { consul: { address: consul }, hosts, desiredState: ["desired"], ...environmentSettings };
  const server = { listen: "none", socket: join(folder, "heal.sock") };
  const content = { environments: { [environment]: own }, defaultEnvironment: environment, server, ...settings };
  writeFileSync(config, JSON.stringify(content));
  const daemons: DaemonProcess[] = [];

  const ask = <Answer>(method: "GET" | "POST" | "DELETE", path: string, json?: object): Promise<Answer> =>
    askEngine<Answer>(docker, method, path, json === undefined ? {} : { json });
  const healWith = (input: string, ...args: string[]) =>
    run(process.execPath, [program, ...args, "--config", config], { input, timeoutMs: 60_000 });

  return {
    environment,
    folder,
    config,
    desire: (services) => writeFileSync(join(folder, "desired", "services.json"), JSON.stringify({ services })),
    healWith,
    heal: (...args) => healWith("", ...args),
    async daemon(...args) {
      const logFile = join(folder, `daemon-${daemons.length}.log`);
      const log = openSync(logFile, "a");
      const child = spawn(process.execPath, [program, "run", ...args, "--config", config], {
        stdio: ["ignore", log, log],
      });
      const gone = new Promise<void>((done) => child.once("exit", () => done()));
      const daemon: DaemonProcess = {
        child,
        log: () => readFileSync(logFile, "utf8"),
        kill: (signal) => void child.kill(signal),
        async stop() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          child.kill("SIGCONT");
          child.kill("SIGTERM");
          await gone;
        },
      };
      daemons.push(daemon);
      await until(() => daemon.log().includes('"controller.started"'), "the daemon to start");
      return daemon;
    },
    containers: (service, { all = false } = {}) => {
      const label = [`heal.environment=${environment}`, `heal.service=${service}`];
      return ask<Listed[]>(
        "GET",
        `/containers/json?all=${all}&filters=${encodeURIComponent(JSON.stringify({ label }))}`,
      );
    },
    registrations: (service) => registrationsOf(consul, environment, service),
    docker: ask,
    async exec(container, ...command) {
      const { Id } = await ask<{ Id: string }>("POST", `/containers/${container}/exec`, { Cmd: command });
      await callEngine(docker, "POST", `/exec/${Id}/start`, { json: { Detach: false } });
    },
    async close() {
      for (const daemon of daemons) await daemon.stop();
      await clearAway(docker, consul, environment);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Asks again until the answer is yes; says what was waited for when it never is. */
export async function until(
  question: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 60_000,
  everyMs = 25,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (performance.now() < endMs) {
    if (await question()) return;
    await new Promise((done) => setTimeout(done, everyMs));
  }
  throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`);
}

export function nameOf({ Names }: Listed): string {
  return Names[0]?.slice(1) ?? "";
}

async function registrationsOf(consul: string, environment: string, service: string): Promise<readonly Listing[]> {
  const answer = await fetch(`${consul}/v1/health/service/${service}?consistent`);
  const entries = (await answer.json()) as {
    readonly Service: { readonly ID: string; readonly Meta: Readonly<Record<string, string>>; readonly Tags: string[] };
    readonly Checks: readonly { readonly Status: Listing["status"]; readonly ServiceID: string }[];
  }[];
  return entries
    .filter(({ Service }) => Service.Meta["heal-environment"] === environment)
    .map(({ Service, Checks }) => {
      const statuses = Checks.filter(({ ServiceID }) => ServiceID === Service.ID).map(({ Status }) => Status);
      const status = statuses.includes("critical") ? "critical" : statuses.includes("warning") ? "warning" : "passing";
      return { id: Service.ID, status, container: Service.Meta["heal-container"] ?? null, tags: Service.Tags };
    });
}

async function clearAway(docker: string, consul: string, environment: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`heal.environment=${environment}`] }));
  const containers = await askEngine<Listed[]>(docker, "GET", `/containers/json?all=true&filters=${filters}`);
  for (const { Id } of containers) await callEngine(docker, "DELETE", `/containers/${Id}?force=true`);
  const services = (await (await fetch(`${consul}/v1/agent/services`)).json()) as Record<
    string,
    { readonly Meta: Readonly<Record<string, string>> }
  >;
  for (const [id, { Meta }] of Object.entries(services)) {
    if (Meta["heal-environment"] === environment || id === `heal-status.${environment}`)
      await fetch(`${consul}/v1/agent/service/deregister/${encodeURIComponent(id)}`, { method: "PUT" });
  }
  await fetch(`${consul}/v1/kv/heal/${environment}/?recurse`, { method: "DELETE" });
}
