/** Taking our own Docker engine away, whether it runs, hangs or died: containers, processes, mounts, networks, data. */
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import path from "node:path";
import { askEngine, engineAnswers } from "./engine-api.ts";
import { removeLink, restoreNetwork, type NetworkBefore } from "./network.ts";
import { end, identify, mustRun, signal, waitUntil, type ProcessIdentity } from "./processes.ts";
import { readPart } from "./state.ts";

export interface EngineDetails {
  readonly kind: "docker";
  readonly bridge: string;
  /** containerd's namespace, should the machine's own containerd be used. */
  readonly namespace: string;
  readonly cgroup: string;
  readonly networkBefore: NetworkBefore;
  /** Files and folders dockerd makes outside its own folder, which were not there before. */
  readonly absentBefore: readonly string[];
  readonly dockerd?: ProcessIdentity;
}

/** Removes the engine of this part. Works as well on what an interrupted start or a crash has left. */
export async function removeEngine(part: string): Promise<void> {
  const { details, folder } = readPart<EngineDetails>(part);
  if (details === undefined) return rmSync(folder, { recursive: true, force: true });
  const dockerHost = `unix://${path.join(folder, "docker.sock")}`;
  if (details.dockerd !== undefined) {
    if (await engineAnswers(dockerHost)) await removeContents(dockerHost);
    signal(details.dockerd, "SIGCONT"); // a test may have stopped it
    await end(details.dockerd, 15_000);
  }
  await endContainers(details.cgroup);
  for (const leftover of processesOf(folder, details.namespace)) await end(leftover, 2_000);
  const bridges = [details.bridge, ...bridgesOf(folder)];
  for (const bridge of bridges) await removeLink(bridge);
  await restoreNetwork(details.networkBefore, bridges);
  await removeFolder(folder);
  for (const file of details.absentBefore) rmSync(file, { recursive: true, force: true });
}

/** Containers that ignore SIGTERM would each cost the engine's grace time; and only a running engine frees networks. */
async function removeContents(dockerHost: string): Promise<void> {
  // What cannot be removed politely is removed by force below.
  const attempt = <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);
  await attempt(askEngine(dockerHost, "POST", "/swarm/leave?force=true"));
  const containers = await attempt(askEngine<{ Id: string }[]>(dockerHost, "GET", "/containers/json?all=true"));
  const removals = (containers ?? []).map(({ Id }) =>
    attempt(askEngine(dockerHost, "DELETE", `/containers/${Id}?force=true&v=true`, { timeoutMs: 10_000 })),
  );
  await Promise.all(removals);
  await attempt(askEngine(dockerHost, "POST", "/networks/prune"));
}

/** Ends every process in the cgroup and below, then removes it, in each cgroup hierarchy (one with cgroup v2). */
export async function endContainers(cgroup: string): Promise<void> {
  const root = "/sys/fs/cgroup";
  const roots = [root, ...(existsSync(root) ? readdirSync(root).map((name) => path.join(root, name)) : [])];
  const folders = roots
    .map((hierarchy) => path.join(hierarchy, cgroup))
    .filter((folder) => existsSync(folder))
    .flatMap(withFoldersBelow);
  const members = () => folders.flatMap(membersOf);
  for (const pid of members()) {
    const found = identify(pid);
    if (found !== undefined) signal(found, "SIGKILL");
  }
  await waitUntil(() => members().length === 0, { timeoutMs: 10_000, what: `containers in cgroup ${cgroup} to end` });
  for (const folder of folders.toReversed()) rmdirSync(folder);
}

/** Unmounts everything below the folder, then removes it. Never removes through a mount: that could be a user's folder. */
export async function removeFolder(folder: string): Promise<void> {
  const mounts = mountsBelow(folder).toSorted((a, b) => b.length - a.length);
  for (const mount of mounts) await mustRun("umount", ["-l", mount]);
  const left = mountsBelow(folder);
  if (left.length > 0) throw new Error(`still mounted, so ${folder} was not removed: ${left.join(", ")}`);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function mountsBelow(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((mount) => mount.startsWith(`${folder}/`));
}

function withFoldersBelow(folder: string): string[] {
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap((entry) => withFoldersBelow(path.join(folder, entry.name)))];
}

function membersOf(cgroupFolder: string): number[] {
  const list = path.join(cgroupFolder, "cgroup.procs");
  if (!existsSync(list)) return [];
  return readFileSync(list, "utf8").trim().split("\n").filter(Boolean).map(Number);
}

/** containerd and its shims, which outlive a dockerd that was killed. They carry the part's folder or its namespace. */
function processesOf(folder: string, namespace: string): ProcessIdentity[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const command = readOrNothing(`/proc/${pid}/cmdline`).split("\0");
      const isEngine = /^(dockerd|containerd|containerd-shim.*|docker-proxy)$/.test(path.basename(command[0] ?? ""));
      return isEngine && command.some((word) => word === namespace || word.startsWith(`${folder}/`));
    })
    .map((pid) => identify(Number(pid)))
    .filter((found) => found !== undefined);
}

/** The bridges of networks that users made. An engine that was killed leaves them; its store still names them. */
function bridgesOf(folder: string): string[] {
  const store = readOrNothing(path.join(folder, "data/network/files/local-kv.db"));
  return [...new Set([...store.matchAll(/"BridgeName":"([\w.-]{1,15})"/g)].map((match) => match[1] ?? ""))];
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return ""; // ended or removed meanwhile
  }
}
