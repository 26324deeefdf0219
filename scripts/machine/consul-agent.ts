/** One Consul agent as a process: its configuration, start, readiness and end. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureConsulBinary } from "./consul-binary.ts";
import { end, isAlive, signal, startDetached, waitUntil, type ProcessIdentity, type Say } from "./processes.ts";
import { freePort, hold, partFolder, readPart, withLock, writePart, type Hold } from "./state.ts";

interface ConsulPorts {
  readonly http: number;
  readonly server: number;
  readonly serf_lan: number;
  readonly dns: number;
}

export interface ConsulOptions {
  readonly say: Say;
  /** The node's name. */
  readonly name: string;
  readonly datacenter?: string;
  /** The address to listen on; 127.0.0.1 unless given. */
  readonly bind?: string;
  /** Free ones unless given. */
  readonly ports?: Partial<ConsulPorts>;
  /** Other agents to join, as `address:serf_lan-port`. */
  readonly retryJoin?: readonly string[];
  /** How many servers make the cluster: 1 unless given; 0 starts a client agent. */
  readonly servers?: number;
  /** Anything else of Consul's configuration file. */
  readonly config?: object;
  /** Stays up after this process has ended, until taken down. */
  readonly keep?: boolean;
}

export interface ConsulAgent {
  readonly name: string;
  /** Where its HTTP API answers, as `http://address:port`. */
  readonly address: string;
  readonly bind: string;
  readonly ports: ConsulPorts;
  /** The pid of the agent as it runs now. */
  pid(): number;
  /** Sends a signal: SIGKILL for a crash, SIGSTOP and SIGCONT for an agent that hangs. */
  kill(signal: NodeJS.Signals): void;
  /** Starts it again after a crash, over the same data and on the same ports. */
  restart(): Promise<void>;
  /** What it logged so far. */
  logs(): string;
  /** Ends it and removes its data; when others use the same agent, only lets go of it. */
  stop(): Promise<void>;
}

export interface ConsulDetails {
  readonly kind: "consul";
  readonly binary: string;
  readonly name: string;
  readonly bind: string;
  readonly ports: ConsulPorts;
  readonly agent?: ProcessIdentity;
}

const startTimeoutMs = 30_000;

/** Ends the agent of this part and removes its data. Works as well on what an interrupted start has left. */
export async function removeConsul(part: string): Promise<void> {
  const { agent } = readPart<ConsulDetails>(part).details ?? {};
  if (agent !== undefined) {
    signal(agent, "SIGCONT"); // a stopped process does not see a SIGTERM
    await end(agent, 3_000);
  }
  rmSync(partFolder(part), { recursive: true, force: true });
}

/** Starts the agent of a part, under its lock; it is not ready yet. */
export async function launch(part: string, options: ConsulOptions): Promise<ConsulAgent> {
  const bind = options.bind ?? "127.0.0.1";
  const free = { http: await freePort(), server: await freePort(), serf_lan: await freePort(), dns: await freePort() };
  const details: ConsulDetails = {
    kind: "consul",
    binary: await ensureConsulBinary({ say: options.say }),
    name: options.name,
    bind,
    ports: { ...free, ...options.ports },
  };
  await removeConsul(part); // left by an interrupted run
  const held = hold(part, options.keep);
  writePart(part, details);
  writeFileSync(configurationFile(part), JSON.stringify(configuration(part, details, options), undefined, 2));
  startAgent(part);
  return handle(part, held);
}

function startAgent(part: string): void {
  const details = detailsOf(part);
  const logFile = path.join(partFolder(part), "consul.log");
  const agent = startDetached(details.binary, ["agent", "-config-file", configurationFile(part)], { logFile });
  writePart(part, { ...details, agent });
}

function configuration(part: string, { name, bind, ports }: ConsulDetails, options: ConsulOptions): object {
  const servers = options.servers ?? 1;
  return {
    node_name: name,
    datacenter: options.datacenter ?? "dc1",
    data_dir: path.join(partFolder(part), "data"),
    bind_addr: bind,
    client_addr: bind,
    ports: { ...ports, serf_wan: -1, grpc: -1 },
    server: servers > 0,
    ...(servers > 0 && { bootstrap_expect: servers }),
    retry_join: options.retryJoin ?? [],
    retry_interval: "200ms",
    // Five times as quick to notice and replace a dead leader as the default, which is for slow machines.
    performance: { raft_multiplier: 1 },
    disable_update_check: true,
    enable_local_script_checks: true,
    // Ended by us means ended at once, not gone after a polite round of goodbyes.
    leave_on_terminate: false,
    ...options.config,
  };
}

/** What is given to those who use the agent; each has a hold of its own. */
export function handle(part: string, held: Hold): ConsulAgent {
  const { name, bind, ports } = detailsOf(part);
  return {
    name,
    bind,
    ports,
    address: `http://${bind}:${ports.http}`,
    pid: () => runningAgent(part).pid,
    kill: (name) => signal(runningAgent(part), name),
    async restart() {
      await waitUntil(() => !isRunning(part), { timeoutMs: 5_000, what: `${name} to have ended before its restart` });
      await startedBySupervisor(part);
    },
    logs: () => readFileSync(path.join(partFolder(part), "consul.log"), "utf8"),
    stop: () =>
      withLock(part, async () => {
        if (!held.release().stillHeld) await removeConsul(part);
      }),
  };
}

/** Like a supervisor: one that ends while it starts, as when a port of it is taken for a moment, is started again. */
async function startedBySupervisor(part: string, tries = 3): Promise<void> {
  startAgent(part);
  try {
    await untilReady(part);
  } catch (error) {
    if (tries === 1 || isRunning(part)) throw error;
    await startedBySupervisor(part, tries - 1);
  }
}

/** Ready is when the leader has entered this node in the catalog: before that neither sessions nor checks work. */
export async function untilReady(part: string): Promise<void> {
  const { name, bind, ports } = detailsOf(part);
  const agent = runningAgent(part);
  const ready = async () => !isAlive(agent) || (await isInCatalog(`http://${bind}:${ports.http}`, name));
  await waitUntil(ready, { timeoutMs: startTimeoutMs, what: `Consul agent ${name} to see a leader` });
  if (isAlive(agent)) return;
  const log = readFileSync(path.join(partFolder(part), "consul.log"), "utf8");
  const lines = log.trim().split("\n");
  const errors = lines.filter((line) => /\[ERROR\]|==> Error|panic/.test(line)).slice(-3);
  throw new Error(`Consul agent ${name} did not start: ${(errors.length === 0 ? lines.slice(-3) : errors).join("; ")}`);
}

/** Whether the agent at this address has a leader who knows the node and finds it alive. */
export async function isInCatalog(address: string, node: string): Promise<boolean> {
  try {
    const url = `${address}/v1/health/node/${node}?consistent`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    if (!answer.ok) return false;
    const checks = (await answer.json()) as { CheckID: string; Status: string }[];
    return checks.some((check) => check.CheckID === "serfHealth" && check.Status === "passing");
  } catch {
    return false; // not listening yet, or no leader
  }
}

function detailsOf(part: string): ConsulDetails {
  const { details } = readPart<ConsulDetails>(part);
  if (details === undefined) throw new Error(`${part} is not running: it was stopped before`);
  return details;
}

function runningAgent(part: string): ProcessIdentity {
  const { agent } = detailsOf(part);
  if (agent === undefined) throw new Error(`${part} has not been started`);
  return agent;
}

export function isRunning(part: string): boolean {
  const { agent } = readPart<ConsulDetails>(part).details ?? {};
  return agent !== undefined && isAlive(agent);
}

function configurationFile(part: string): string {
  return path.join(partFolder(part), "consul.json");
}
