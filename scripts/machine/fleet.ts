/**
 * Several hosts on one machine, for what cannot be tested on one host: a power cut, an engine that hangs, a cable pulled.
 * Each host has an engine and a Consul agent of its own, see `scripts/fleet.sh`; this file starts and ends them together.
 *
 * By default the only Consul server runs outside the hosts, where the controller under test runs too: then whatever
 * happens to a host is a host's failure and not, every now and then, an election as well. With `consul: "on-hosts"` every
 * host runs a server, as a small real fleet does, and the agent outside is a client.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureConsulBinary } from "./consul-binary.ts";
import { isInCatalog, startConsul, type ConsulAgent, type ConsulOptions } from "./consul.ts";
import { installEngine } from "./docker.ts";
import { askEngine, engineAnswers } from "./engine-api.ts";
import { fleetScript, removeFleet, type FleetDetails } from "./fleet-removal.ts";
import { ensureImages, type DemoImage } from "./images.ts";
import { freeSubnet } from "./network.ts";
import { CannotInstall, ensurePrograms, type Need } from "./packages.ts";
import { mustRun, run, waitUntil, type CommandResult, type Say } from "./processes.ts";
import { freePort, hold, partFolder, stateId, withLock, writePart, type Hold } from "./state.ts";

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

/** Hosts are named by their number, from 1. Each function returns when its effect is there. */
export interface Fleet {
  /** Its folder, which `scripts/fleet.sh` takes as its first argument, with the hosts' logs. */
  readonly folder: string;
  readonly hosts: readonly FleetHost[];
  /** The agent outside the hosts. */
  readonly consul: ConsulAgent;
  /** A power cut: nothing on the host says goodbye. */
  powerOff(host: number): Promise<void>;
  /** Starts it again with the disk it had, and waits for its engine and its Consul agent. */
  boot(host: number): Promise<void>;
  /** Stops the engine in its tracks: connections are accepted and never answered. */
  pauseEngine(host: number): Promise<void>;
  resumeEngine(host: number): Promise<void>;
  /** Kills the engine alone. Its containers run on until it is started again. */
  crashEngine(host: number): Promise<void>;
  startEngine(host: number): Promise<void>;
  /** Pulls the host's network cable, and puts it back. */
  unplug(host: number): Promise<void>;
  plug(host: number): Promise<void>;
  /** Runs a command on the host, with the machine's files. */
  exec(host: number, command: readonly string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** What the hosts need besides an engine. */
const needs: readonly Need[] = [
  { programs: ["nsenter"], package: "util-linux" },
  { programs: ["pgrep"], package: "procps" },
];
const readyTimeoutMs = 60_000;
const gossipPort = 8301;

/** Starts the hosts together and returns when every engine and every Consul agent answers. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  if (process.getuid?.() !== 0) throw new CannotInstall("only root can start a fleet of hosts: run this as root");
  await installEngine(options.say);
  await ensurePrograms(needs, options);
  const { part, details, held } = await layNetwork(options);
  const hosts = Array.from({ length: options.hosts }, (_, index) => hostOf(part, details, index + 1, options));
  const join = options.consul === "on-hosts" ? hosts.map((host) => `${host.address}:${gossipPort}`) : [];
  const agent: ConsulOptions = await outsideAgent(options, details, join);
  for (const host of hosts)
    writeAgentConfiguration(part, host, options, [...join, `${agent.bind}:${agent.ports?.serf_lan}`]);
  const outside = startConsul(agent);
  const stop = async () => {
    await outside.then((started) => started.stop()).catch(() => undefined); // one that did not start is gone already
    await withLock(part, async () => {
      if (!held.release().stillHeld) await removeFleet(part);
    });
  };
  try {
    const boots = hosts.map((host) => bootHost(part, host, options));
    // All are waited for even when one fails, so that nothing is still starting while the fleet is taken away.
    const failed = (await Promise.allSettled([outside, ...boots])).find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    if (options.swarm !== undefined) await joinSwarm(hosts, options.swarm);
  } catch (error) {
    await stop();
    throw error;
  }
  options.say(`started ${options.hosts} hosts, at ${details.network}.1 and up`);
  return { folder: partFolder(part), hosts, consul: await outside, stop, ...faults(part, hosts, options) };
}

/** Writes down what is about to be made, so that it can be taken away again, and makes the network. */
async function layNetwork(options: FleetOptions): Promise<{ part: string; details: FleetDetails; held: Hold }> {
  const consul = await ensureConsulBinary(options);
  return withLock("fleet-network", async () => {
    const { prefix, third } = await freeSubnet(99);
    const part = `fleet-${third}`;
    return withLock(part, async () => {
      await removeFleet(part); // left by an interrupted run
      const held = hold(part, options.keep);
      const cgroup = `heal-${stateId()}-f${third}`;
      const details: FleetDetails = { kind: "fleet", network: prefix, id: third, cgroup, hosts: options.hosts };
      const settings = [`NET=${prefix}`, `ID=${third}`, `TCP=${options.tcp === true ? 1 : 0}`, `CONSUL=${consul}`];
      settings.push(`CGROUP=${cgroup}`);
      settings.push(`DOCKERD_ARGS="${options.dockerdArguments?.join(" ") ?? ""}"`);
      writeFileSync(path.join(partFolder(part), "settings"), `${settings.join("\n")}\n`);
      writePart(part, details);
      await script(part, "network-up");
      return { part, details, held };
    });
  });
}

function hostOf(part: string, { network }: FleetDetails, number: number, { tcp }: FleetOptions): FleetHost {
  const name = `h${number}`;
  const address = `${network}.${number}`;
  const dockerSocket = `unix://${path.join(partFolder(part), name, "docker.sock")}`;
  const docker = tcp === true ? `tcp://${address}:2375` : dockerSocket;
  return { name, address, docker, dockerSocket, consulAddress: `http://${address}:8500` };
}

async function outsideAgent(options: FleetOptions, { network }: FleetDetails, join: string[]): Promise<ConsulOptions> {
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

function writeAgentConfiguration(part: string, host: FleetHost, options: FleetOptions, join: readonly string[]): void {
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

async function bootHost(part: string, host: FleetHost, options: FleetOptions): Promise<void> {
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

async function untilEngineAnswers({ name, dockerSocket }: FleetHost): Promise<void> {
  await waitUntil(() => engineAnswers(dockerSocket), {
    timeoutMs: readyTimeoutMs,
    what: `the engine of ${name} to answer`,
  });
}

async function joinSwarm(hosts: readonly FleetHost[], others: "managers" | "workers"): Promise<void> {
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

type Faults = Omit<Fleet, "folder" | "hosts" | "consul" | "stop">;

function faults(part: string, hosts: readonly FleetHost[], options: FleetOptions): Faults {
  const host = (number: number): FleetHost => {
    const found = hosts[number - 1];
    if (found === undefined) throw new Error(`there is no host ${number}: the fleet has hosts 1 to ${hosts.length}`);
    return found;
  };
  return {
    powerOff: (number) => script(part, "poweroff", host(number)),
    boot: (number) => bootHost(part, host(number), options),
    pauseEngine: (number) => script(part, "pause", host(number)),
    async resumeEngine(number) {
      await script(part, "resume", host(number));
      await untilEngineAnswers(host(number));
    },
    crashEngine: (number) => script(part, "crash-engine", host(number)),
    async startEngine(number) {
      await script(part, "start-engine", host(number));
      await untilEngineAnswers(host(number));
    },
    unplug: (number) => script(part, "unplug", host(number)),
    plug: (number) => script(part, "plug", host(number)),
    exec: (number, command) => run(fleetScript, [partFolder(part), "exec", host(number).name.slice(1), ...command]),
  };
}

async function script(part: string, verb: string, host?: FleetHost): Promise<void> {
  await mustRun(fleetScript, [partFolder(part), verb, ...(host === undefined ? [] : [host.name.slice(1)])]);
}
