/** Daemons of one environment as processes of their own, each with its own socket, settings and log. */
import { spawn, type ChildProcess } from "node:child_process";
import { openSync, closeSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../../../scripts/machine/processes.ts";
import type { Outcome, Site } from "./site.ts";
import { program, until } from "./site.ts";

export interface Peer {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly config: string;
  readonly socket: string;
  log(): string;
  hasEnded(): boolean;
  readonly ended: Promise<void>;
  /** A command of the same settings, which asks this daemon. */
  heal(...args: string[]): Promise<Outcome>;
  kill(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits until the process is gone. */
  crash(): Promise<void>;
  /** SIGTERM, and waits; ends it by force when it does not go within 15 s. */
  stop(): Promise<void>;
}

export interface PeerOptions {
  /** Laid over the environment's part of the settings: another way to Consul or Docker. */
  readonly environmentSettings?: object;
  readonly settings?: object;
  /** Runs before the program, such as faketime. */
  readonly through?: readonly string[];
  readonly variables?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  /** Where its log goes; the site's folder unless given. */
  readonly logFolder?: string;
}

let count = 0;

/** Starts a daemon beside others of the site; resolves when it says that it runs. */
export async function startPeer(site: Site, options: PeerOptions = {}): Promise<Peer> {
  const peer = launch(site, options, ["run", ...(options.args ?? [])]);
  await until(() => {
    if (peer.hasEnded()) throw new Error(`the daemon ended at once: ${peer.log()}`);
    return peer.log().includes('"controller.started"');
  }, "a daemon to start");
  return peer;
}

/** Starts any command of heal as a process, with its output in `log()`. */
export function launch(site: Site, options: PeerOptions, words: readonly string[]): Peer {
  const { config, socket } = writeSettings(site, options);
  const logFile = path.join(options.logFolder ?? site.folder, path.basename(config, ".json") + ".log");
  const log = openSync(logFile, "a");
  const [command = process.execPath, ...args] = [
    ...(options.through ?? []),
    process.execPath,
    program,
    ...words,
    "--config",
    config,
  ];
  const env = { ...process.env, ...options.variables };
  const child = spawn(command, args, { stdio: ["ignore", log, log], env });
  closeSync(log);
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? 0,
    child,
    config,
    socket,
    hasEnded,
    ended: gone,
    log: () => readFileSync(logFile, "utf8"),
    heal: (...words) => run(process.execPath, [program, ...words, "--config", config], { timeoutMs: 60_000 }),
    kill: (signal) => void child.kill(signal),
    async crash() {
      child.kill("SIGKILL");
      await gone;
    },
    async stop() {
      if (hasEnded()) return;
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await gone;
      clearTimeout(force);
    },
  };
}

/** Waits until `heal check` gives that exit code. */
export const untilChecks = (peer: Peer, code: number): Promise<void> => untilSays(peer, code, /^/);

/** Waits until `heal check` gives that exit code and says such a thing. */
export async function untilSays(peer: Peer, code: number, what: RegExp): Promise<void> {
  let last: Outcome | null = null;
  const isSo = async (): Promise<boolean> => {
    last = await peer.heal("check");
    return last.code === code && what.test(last.stdout);
  };
  await until(isSo, "", 60_000).catch(() => {
    throw new Error(`heal check did not exit ${code} and say ${what} within a minute: ${JSON.stringify(last)}`);
  });
}

/** Settings that lead to Docker and Consul by way of proxies. */
export function by(docker: string, consul: string): object {
  return { consul: { address: consul }, hosts: { local: { docker, consulAgent: consul, address: "127.0.0.1" } } };
}

/** The settings of the site with another socket and whatever is laid over them. */
export function writeSettings(site: Site, options: PeerOptions): { readonly config: string; readonly socket: string } {
  count += 1;
  const before = JSON.parse(readFileSync(site.config, "utf8")) as {
    readonly environments: Readonly<Record<string, object>>;
    readonly server: object;
  };
  const socket = path.join(site.folder, `heal-${count}.sock`);
  const environment = { ...before.environments[site.environment], ...options.environmentSettings };
  const config = path.join(site.folder, `heal-${count}.json`);
  const content = {
    ...before,
    environments: { [site.environment]: environment },
    server: { ...before.server, socket },
    ...options.settings,
  };
  writeFileSync(config, JSON.stringify(content));
  return { config, socket };
}

/** For the output of a test that fails: what the daemons said, without which nobody can tell why. */
export function tellIfFailed(task: { readonly result?: { readonly state?: string } }, peers: readonly Peer[]): void {
  if (task.result?.state !== "fail") return;
  for (const peer of peers) console.error(`--- log of process ${peer.pid}\n${peer.log().slice(-12_000)}`);
}
