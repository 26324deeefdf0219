/**
 * Several hosts on one machine, for what cannot be tested on one host: a power cut, an engine that hangs, a cable pulled.
 * Each host has an engine and a Consul agent of its own, see `scripts/fleet.sh`; this file starts and ends them together.
 *
 * By default the only Consul server runs outside the hosts, where the controller under test runs too: then whatever
 * happens to a host is a host's failure and not, every now and then, an election as well. With `consul: "on-hosts"` every
 * host runs a server, as a small real fleet does, and the agent outside is a client.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { ConsulAgent, ConsulOptions } from "./consul-agent.ts";
import { ensureConsulBinary } from "./consul-binary.ts";
import { startConsul } from "./consul.ts";
import { installEngine } from "./docker.ts";
import {
  bootHost,
  gossipPort,
  hostOf,
  joinSwarm,
  outsideAgent,
  script,
  untilEngineAnswers,
  writeAgentConfiguration,
  type FleetHost,
  type FleetOptions,
} from "./fleet-hosts.ts";
import { fleetScript, removeFleet, type FleetDetails } from "./fleet-removal.ts";
import { freeSubnet } from "./network.ts";
import { CannotInstall, ensurePrograms, type Need } from "./packages.ts";
import { run, type CommandResult } from "./processes.ts";
import { hold, partFolder, stateId, withLock, writePart, type Hold } from "./state.ts";

export type { FleetHost, FleetOptions };

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
  /** The words before a command that is to run on the host. */
  through(host: number): readonly string[];
  stop(): Promise<void>;
}

/** What the hosts need besides an engine. */
const needs: readonly Need[] = [
  { programs: ["nsenter"], package: "util-linux" },
  { programs: ["pgrep"], package: "procps" },
];

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

type Faults = Omit<Fleet, "folder" | "hosts" | "consul" | "stop">;

function faults(part: string, hosts: readonly FleetHost[], options: FleetOptions): Faults {
  const host = (number: number): FleetHost => {
    const found = hosts[number - 1];
    if (found === undefined) throw new Error(`there is no host ${number}: the fleet has hosts 1 to ${hosts.length}`);
    return found;
  };
  const through = (number: number) => [fleetScript, partFolder(part), "exec", host(number).name.slice(1)];
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
    exec(number, command) {
      const [script = "", ...words] = through(number);
      return run(script, [...words, ...command]);
    },
    through,
  };
}
