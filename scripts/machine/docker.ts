/**
 * A Docker engine to work with. One that answers already is used and never ended; otherwise our own dockerd is started,
 * with socket, data, bridge and containers' cgroup all its own, so that it can be taken away again without a trace.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { removeEngine, type EngineDetails } from "./docker-removal.ts";
import { engineAnswers } from "./engine-api.ts";
import { addBridge, freeSubnet, rememberNetwork } from "./network.ts";
import { CannotInstall, ensurePrograms, type Need } from "./packages.ts";
import { findProgram, isAlive, startDetached, waitUntil, type Say } from "./processes.ts";
import { hold, partFolder, readPart, stateId, withLock, writePart } from "./state.ts";

export interface Engine {
  /** As the Docker CLI and `DOCKER_HOST` spell it: `unix:///…/docker.sock` or `tcp://host:port`. */
  readonly dockerHost: string;
  /** The socket's path; empty for an engine that is reached over TCP. */
  readonly socket: string;
  readonly startedByUs: boolean;
  /** Lets go of the engine. It ends when it is ours and nobody else uses it. */
  stop(): Promise<void>;
}

export const enginePart = "docker";
const systemEngine = "unix:///var/run/docker.sock";
const startTimeoutMs = 60_000;

/** What a dockerd needs to run. */
const needs: readonly Need[] = [
  { programs: ["dockerd"], package: "docker.io" },
  { programs: ["iptables"], package: "iptables" },
  { programs: ["ip"], package: "iproute2" },
  { programs: ["docker-init", "tini"], package: "tini" },
];

/**
 * Gives an engine: the one of `DOCKER_HOST`, ours from another run, the system's, or a new one, in this order.
 * With `keep` it stays up after this process has ended, until taken down. Rejects with one line saying what is missing.
 */
export async function ensureDocker({
  say,
  keep = false,
}: {
  readonly say: Say;
  readonly keep?: boolean;
}): Promise<Engine> {
  const named = process.env["DOCKER_HOST"];
  if (named !== undefined && named !== ownEngine() && (await engineAnswers(named))) return foreignEngine(named);
  return withLock(enginePart, async () => {
    if (await ownEngineRuns()) return ownHandle(false, keep);
    if (await engineAnswers(systemEngine)) return foreignEngine(systemEngine);
    if (existsSync(partFolder(enginePart))) {
      say("removing what an interrupted run left of its Docker engine");
      await removeEngine(enginePart);
    }
    await installEngine(say);
    const handle = ownHandle(true, keep);
    try {
      await startEngine(say);
    } catch (error) {
      await handle.remove();
      throw error;
    }
    return handle;
  });
}

function foreignEngine(dockerHost: string): Engine {
  const socket = dockerHost.startsWith("unix://") ? dockerHost.slice("unix://".length) : "";
  return { dockerHost, socket, startedByUs: false, stop: async () => undefined };
}

function ownHandle(startedByUs: boolean, keep: boolean): Engine & { remove(): Promise<void> } {
  const ownHold = hold(enginePart, keep);
  const remove = async () => {
    if (!ownHold.release().stillHeld) await removeEngine(enginePart);
  };
  return {
    dockerHost: ownEngine(),
    socket: path.join(partFolder(enginePart), "docker.sock"),
    startedByUs,
    remove,
    stop: () => withLock(enginePart, remove),
  };
}

/** Installs what an engine of our own needs. Only root can run one. */
export async function installEngine(say: Say): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new CannotInstall(
      "no Docker engine answers and only root can start one: start Docker, set DOCKER_HOST, or run this as root",
    );
  await ensurePrograms(needs, { say });
}

/** Starts dockerd in the part's folder. What must be undone later is written down before it is done. */
async function startEngine(say: Say): Promise<void> {
  const folder = partFolder(enginePart);
  const id = stateId();
  const { prefix } = await freeSubnet(98);
  const details: EngineDetails = {
    kind: "docker",
    bridge: `heal-${id}`,
    namespace: `heal-${id}`,
    cgroup: `heal-${id}`,
    networkBefore: await rememberNetwork(),
    absentBefore: ["/etc/docker/key.json", "/etc/docker", "/run/docker"].filter((file) => !existsSync(file)),
  };
  writePart(enginePart, details);
  await addBridge(details.bridge, `${prefix}.1/24`);
  // A file of its own keeps the machine's daemon.json, which may name other sockets and folders, out of it.
  const configuration = path.join(folder, "daemon.json");
  writeFileSync(configuration, JSON.stringify(engineConfiguration(folder, details), undefined, 2));
  const logFile = path.join(folder, "dockerd.log");
  const args = ["--config-file", configuration, "--containerd-namespace", details.namespace];
  args.push("--containerd-plugins-namespace", `${details.namespace}-plugins`);
  const dockerd = startDetached(findProgram("dockerd") ?? "dockerd", args, { logFile });
  writePart(enginePart, { ...details, dockerd });
  const ready = async () => !isAlive(dockerd) || (await engineAnswers(ownEngine()));
  await waitUntil(ready, { timeoutMs: startTimeoutMs, what: `dockerd to answer (its log: ${logFile})` });
  if (!isAlive(dockerd)) throw new Error(`dockerd did not start: ${lastComplaint(logFile)}`);
  say(`started a Docker engine at ${ownEngine()}`);
}

function engineConfiguration(folder: string, details: EngineDetails): object {
  return {
    hosts: [ownEngine()],
    "data-root": path.join(folder, "data"),
    "exec-root": path.join(folder, "exec"),
    pidfile: path.join(folder, "dockerd.pid"),
    bridge: details.bridge,
    // One cgroup for all containers, which the cgroupfs driver makes with or without systemd: whatever happens to the
    // engine, its containers can be found and ended.
    "cgroup-parent": `/${details.cgroup}`,
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "log-level": "warn",
  };
}

function ownEngine(): string {
  return `unix://${path.join(partFolder(enginePart), "docker.sock")}`;
}

async function ownEngineRuns(): Promise<boolean> {
  const { dockerd } = readPart<EngineDetails>(enginePart).details ?? {};
  return dockerd !== undefined && isAlive(dockerd) && (await engineAnswers(ownEngine()));
}

function lastComplaint(logFile: string): string {
  const lines = readFileSync(logFile, "utf8").trim().split("\n");
  const complaint = lines.findLast((line) => /level=(error|fatal)|^failed|^unable/.test(line)) ?? lines.at(-1) ?? "";
  return /msg="(.*?)"(?: |$)/.exec(complaint)?.[1] ?? complaint;
}
