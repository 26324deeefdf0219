/** Taking down what nobody uses any more: after our own end, after an interrupted run, or when told to. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { removeConsul, type ConsulDetails } from "./consul-agent.ts";
import { removeEngine, type EngineDetails } from "./docker-removal.ts";
import { removeFleet, type FleetDetails } from "./fleet-removal.ts";
import { identify, waitUntil, type Say } from "./processes.ts";
import { holders, letGoOfKept, partFolder, partNames, readPart, withLock } from "./state.ts";

type Details = EngineDetails | ConsulDetails | FleetDetails;

/** Removes every part that no living process holds and that nobody asked to keep. */
export async function sweep({ say }: { readonly say: Say }): Promise<void> {
  for (const name of partNames()) {
    await withLock(name, async () => {
      if (holders(name).length > 0) return;
      say(`removing ${name}, which nobody uses any more`);
      await removePart(name);
    });
  }
}

/** Removes what was kept up. Parts in use by a running process stay, unless forced. Says whether all are gone. */
export async function takeDown({ say, force }: { readonly say: Say; readonly force: boolean }): Promise<boolean> {
  for (const name of partNames()) {
    await withLock(name, async () => {
      letGoOfKept(name);
      const users = holders(name).map((holder) => (holder === "kept" ? holder : holder.pid));
      if (users.length > 0 && !force)
        return say(`${name} stays: process ${users.join(", ")} uses it (--force ends it)`);
      await removePart(name);
      say(`removed ${name}`);
    });
  }
  return partNames().length === 0;
}

/**
 * Has a process of its own take down what this one holds, should this one end without letting go. Also makes the
 * signals that would end it silently end it through `exit`.
 */
export function sweepAfterExit(): void {
  for (const [name, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ] as const)
    process.once(name, () => process.exit(128 + number));
  process.once("exit", () => {
    const held = partNames().some((name) =>
      holders(name).some((holder) => holder !== "kept" && holder.pid === process.pid),
    );
    if (!held) return;
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    const args = ["--import", tsx, main, "sweep", "--after", String(process.pid)];
    spawn(process.execPath, args, { detached: true, stdio: "ignore" }).unref();
  });
}

/** Waits until a process has ended, so that what it held is free. */
export async function untilEnded(pid: number): Promise<void> {
  await waitUntil(() => identify(pid) === undefined, { timeoutMs: 30_000, what: `process ${pid} to end` });
}

async function removePart(name: string): Promise<void> {
  const { details } = readPart<Details>(name);
  switch (details?.kind) {
    case "docker":
      return removeEngine(name);
    case "consul":
      return removeConsul(name);
    case "fleet":
      return removeFleet(name);
    case undefined:
      return rmSync(partFolder(name), { recursive: true, force: true });
  }
}
