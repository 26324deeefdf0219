/** What is done to a group, and what a client has of it. */
import { askEngine } from "../../machine/engine-api.ts";
import { mustRun } from "../../machine/processes.ts";
import type { Carer, GroupMaster } from "./carer.ts";
import { settle } from "./carer.ts";
import { longestGapMs, lostWrites, startWriter, type Address, type Writer } from "./writer.ts";

export type Scenario = "killed" | "hung" | "dead-host" | "partition" | "switchover";

export interface Outcome {
  readonly scenario: Scenario;
  readonly by: Carer["name"];
  /** From the fault to the first acknowledged write on another master; of a switchover the longest gap. */
  readonly unavailableMs: number;
  readonly lostAcknowledged: number;
  readonly acknowledged: number;
}

/** A host's power, cut and given back. */
export interface Power {
  off(host: string): Promise<void>;
  on(host: string): Promise<void>;
}

export interface Measurement {
  readonly carer: Carer;
  readonly scenario: Scenario;
  readonly group: string;
  readonly power: Power;
}

/** One fault, with a client that writes a thousand times a second before, through and after it. */
export async function measure({ carer, scenario, group, power }: Measurement): Promise<Outcome> {
  const old = await carer.ready(group);
  const { State, NetworkSettings } = await containerOf(old);
  // Within Docker's network the client's connection can be told from all others by its port.
  const near: Address = { host: Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "", port: 6379 };
  const olds = [old, near].map(({ host, port }) => `${host}:${port}`);
  const isNew = ({ by }: { readonly by: string }): boolean => !olds.includes(by);
  let isFirst = scenario === "partition";
  const writer = startWriter({
    locate: async () => {
      if (!isFirst) return carer.locate(group);
      isFirst = false;
      return near;
    },
  });
  try {
    await settle("the client writes", async () => writer.written().acknowledged.length > 300);
    const inflicted = faults({ carer, group, power, old, pid: State.Pid, writer })[scenario];
    const atMs = performance.now();
    await inflicted();
    await settle("writes on another master", async () => writer.written().acknowledged.slice(-50).some(isNew));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const written = await writer.stop();
    const first = written.acknowledged.find((one) => one.atMs > atMs && isNew(one));
    const master = await carer.locate(group);
    if (first === undefined || master === null) throw new Error("nobody took over");
    const isGap = scenario === "switchover" || scenario === "partition";
    return {
      scenario,
      by: carer.name,
      unavailableMs: Math.round(isGap ? longestGapMs(written, atMs) : first.atMs - atMs),
      lostAcknowledged: await lostWrites(written, master),
      acknowledged: written.acknowledged.length,
    };
  } finally {
    await writer.stop();
    await undo(scenario, old, power);
    await carer.mend(group);
  }
}

interface Target {
  readonly carer: Carer;
  readonly group: string;
  readonly power: Power;
  readonly old: GroupMaster;
  readonly pid: number;
  readonly writer: Writer;
}

function faults({ carer, group, power, old, pid, writer }: Target): Record<Scenario, () => Promise<void>> {
  return {
    switchover: () => carer.switchover(group),
    killed: async () => void process.kill(pid, "SIGKILL"),
    hung: async () => void process.kill(pid, "SIGSTOP"),
    "dead-host": () => power.off(old.on.name),
    // The replicas and whoever watches are cut off; only the client goes on.
    partition: async () => {
      const port = String(writer.localPort());
      await Promise.all([
        drop(pid, "INPUT", ["-p", "tcp", "!", "--sport", port]),
        drop(pid, "OUTPUT", ["-p", "tcp", "!", "--dport", port]),
      ]);
    },
  };
}

/** What has not been ended meanwhile by who cares for the group goes on as if nothing had happened. */
async function undo(scenario: Scenario, old: GroupMaster, power: Power): Promise<void> {
  if (scenario === "dead-host") return power.on(old.on.name);
  const { Pid } = (await containerOf(old).catch(() => null))?.State ?? { Pid: 0 };
  if (Pid === 0) return;
  if (scenario === "hung") process.kill(Pid, "SIGCONT");
  if (scenario === "partition") await mustRun("nsenter", ["-t", String(Pid), "-n", "iptables", "-F"]);
}

async function drop(pid: number, chain: "INPUT" | "OUTPUT", which: readonly string[]): Promise<void> {
  await mustRun("nsenter", ["-t", String(pid), "-n", "iptables", "-I", chain, ...which, "-j", "DROP"]);
}

interface Inspected {
  readonly State: { readonly Pid: number };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

function containerOf({ on, container }: GroupMaster): Promise<Inspected> {
  return askEngine<Inspected>(on.docker, "GET", `/containers/${container}/json`);
}
