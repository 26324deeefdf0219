/** The hosts of a fleet: their addresses, their Consul agents, their start and their Swarm. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isInCatalog, type ConsulOptions } from "./consul-agent.ts";
import { askEngine, engineAnswers } from "./engine-api.ts";
import { fleetScript, type FleetDetails } from "./fleet-removal.ts";
import { ensureImages, type DemoImage } from "./images.ts";
import { mustRun, waitUntil, type Say } from "./processes.ts";
import { freePort, partFolder } from "./state.ts";

export interface FleetOptions {
  readonly say: Say;
  readonly hosts: number;
  /** Joins the engines to a Swarm: all as managers, or the first as manager and the others as workers. */
  readonly swarm?: "managers" | "workers";
  /** Reach the engines over TCP. A unix socket goes on working when the host's cable is out; TCP does not. */
  readonly tcp?: boolean;
  /** The images every host has; the web ones unless given. */
  readonly images?: readonly DemoImage[];
  readonly consul?: "outside" | "on-hosts";
  /** More of Consul's configuration, for all agents of the fleet. */
  readonly consulConfig?: object;
  /** For example `["--live-restore"]`, which cannot be used with a Swarm. */
  readonly dockerdArguments?: readonly string[];
  /** Stays up after this process has ended, until taken down. */
  readonly keep?: boolean;
}

export interface FleetHost {
  /** h1, h2, …: its host name, its node name in Consul and its name in the Swarm. */
  readonly name: string;
  readonly address: string;
  /** How to reach its engine, as DOCKER_HOST spells it; over TCP if the fleet was started so. */
  readonly docker: string;
  /** The engine's socket, as DOCKER_HOST spells it, whether or not TCP is on. */
  readonly dockerSocket: string;
  readonly consulAddress: string;
}

const readyTimeoutMs = 60_000;
export const gossipPort = 8301;

export function hostOf(part: string, { network }: FleetDetails, number: number, { tcp }: FleetOptions): FleetHost {
  const name = `h${number}`;
  const address = `${network}.${number}`;
  const dockerSocket = `unix://${path.join(partFolder(part), name, "docker.sock")}`;
  const docker = tcp === true ? `tcp://${address}:2375` : dockerSocket;
  return { name, address, docker, dockerSocket, consulAddress: `http://${address}:8500` };
}

export async function outsideAgent(
  options: FleetOptions,
  { network }: FleetDetails,
  join: string[],
): Promise<ConsulOptions> {
  return {
    say: options.say,
    name: "outside",
    bind: `${network}.254`,
    ports: { serf_lan: await freePort() },
    servers: options.consul === "on-hosts" ? 0 : 1,
    retryJoin: join,
    keep: options.keep ?? false,
    ...(options.consulConfig !== undefined && { config: options.consulConfig }),
  };
}

export function writeAgentConfiguration(
  part: string,
  host: FleetHost,
  options: FleetOptions,
  join: readonly string[],
): void {
  const folder = path.join(partFolder(part), host.name);
  mkdirSync(folder, { recursive: true });
  const isServer = options.consul === "on-hosts";
  const configuration = {
    node_name: host.name,
    data_dir: path.join(folder, "consul"),
    bind_addr: host.address,
    // From outside on the host's address, and on 127.0.0.1 for what runs on the host itself.
    client_addr: "0.0.0.0",
    server: isServer,
    ...(isServer && { bootstrap_expect: options.hosts }),
    ports: { serf_lan: gossipPort, serf_wan: -1 },
    retry_join: join,
    retry_interval: "200ms",
    performance: { raft_multiplier: 1 },
    disable_update_check: true,
    enable_local_script_checks: true,
    ...options.consulConfig,
  };
  writeFileSync(path.join(folder, "consul.json"), JSON.stringify(configuration, undefined, 2));
}

export async function bootHost(part: string, host: FleetHost, options: FleetOptions): Promise<void> {
  await script(part, "boot", host);
  await untilEngineAnswers(host);
  await ensureImages(host.dockerSocket, options.images ?? ["heal-demo/web:1", "heal-demo/web:2"], {
    say: () => undefined,
  });
  await waitUntil(() => isInCatalog(host.consulAddress, host.name), {
    timeoutMs: readyTimeoutMs,
    what: `Consul on ${host.name} to join`,
  });
}

export async function untilEngineAnswers({ name, dockerSocket }: FleetHost): Promise<void> {
  await waitUntil(() => engineAnswers(dockerSocket), {
    timeoutMs: readyTimeoutMs,
    what: `the engine of ${name} to answer`,
  });
}

export async function joinSwarm(hosts: readonly FleetHost[], others: "managers" | "workers"): Promise<void> {
  const [first, ...rest] = hosts;
  if (first === undefined) return;
  const own = (host: FleetHost) => ({ ListenAddr: `${host.address}:2377`, AdvertiseAddr: host.address });
  await askEngine(first.dockerSocket, "POST", "/swarm/init", { json: own(first) });
  const swarm = await askEngine<{ JoinTokens: { Manager: string; Worker: string } }>(
    first.dockerSocket,
    "GET",
    "/swarm",
  );
  const JoinToken = others === "managers" ? swarm.JoinTokens.Manager : swarm.JoinTokens.Worker;
  const RemoteAddrs = [`${first.address}:2377`];
  for (const host of rest)
    await askEngine(host.dockerSocket, "POST", "/swarm/join", { json: { ...own(host), RemoteAddrs, JoinToken } });
}

/** Has `scripts/fleet.sh` do something to the fleet or to one of its hosts. */
export async function script(part: string, verb: string, host?: FleetHost): Promise<void> {
  await mustRun(fleetScript, [partFolder(part), verb, ...(host === undefined ? [] : [host.name.slice(1)])]);
}
