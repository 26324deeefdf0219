/** Taking a fleet away, in whatever state its hosts are. */
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { endContainers, removeFolder } from "./docker-removal.ts";
import { mustRun } from "./processes.ts";
import { readPart } from "./state.ts";

export interface FleetDetails {
  readonly kind: "fleet";
  /** The first three numbers of its addresses. */
  readonly network: string;
  /** Unique on this machine; part of the names of interfaces and namespaces. */
  readonly id: number;
  /** The hosts' control groups are named after it, as `<cgroup>-h1` and so on. */
  readonly cgroup: string;
  readonly hosts: number;
}

export const fleetScript = fileURLToPath(new URL("../fleet.sh", import.meta.url));

export async function removeFleet(part: string): Promise<void> {
  const { details, folder } = readPart<FleetDetails>(part);
  if (details === undefined) return rmSync(folder, { recursive: true, force: true });
  for (let host = 1; host <= details.hosts; host += 1) {
    await mustRun(fleetScript, [folder, "poweroff", String(host)]);
    await endContainers(`${details.cgroup}-h${host}`);
  }
  await mustRun(fleetScript, [folder, "network-down"]);
  await removeFolder(folder);
}
