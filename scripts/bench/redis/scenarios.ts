/** What is done to a group, and what a client has of it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type Docker from "dockerode";
import type { Group, GroupMaster } from "./group.ts";
import { settle } from "./group.ts";
import { longestGapMs, lostWrites, startWriter, type Writer } from "./writer.ts";

export type Scenario = "killed" | "hung" | "cut off" | "partition" | "switchover";
export const scenarios: readonly Scenario[] = ["killed", "hung", "cut off", "partition", "switchover"];

export interface Outcome {
  readonly scenario: Scenario;
  readonly by: string;
  /** From the fault to the first acknowledged write on another master; for a switchover the longest gap. */
  readonly unavailableMs: number;
  readonly lostAcknowledged: number;
  readonly acknowledged: number;
  /** What the client was answered instead, by first word. */
  readonly errors: Readonly<Record<string, number>>;
  /** What the one who cares for the group says that it did. */
  readonly told: readonly string[];
}

const run = promisify(execFile);

/** One fault, with a client that writes a thousand times a second before, through and after it. */
export async function measure(docker: Docker, group: Group, old: GroupMaster, scenario: Scenario): Promise<Outcome> {
  // Within Docker's network a client's connection can be told from all others by its port.
  const near = { host: old.inside, port: 6379 };
  const olds = [old, near].map(({ host, port }) => `${host}:${port}`);
  let isFirst = true;
  const writer = startWriter({
    locate: async () => {
      if (isFirst && scenario === "partition") {
        isFirst = false;
        return near;
      }
      return group.locate();
    },
  });
  try {
    await settle("the client writes", async () => writer.written().acknowledged.length > 300);
    const atMs = performance.now();
    await inflict(docker, group, scenario, old, writer);
    const isNew = ({ by }: { readonly by: string }): boolean => !olds.includes(by);
    await settle("writes on another master", async () => writer.written().acknowledged.slice(-50).some(isNew));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const written = await writer.stop();
    const first = written.acknowledged.find((one) => one.atMs > atMs && isNew(one));
    const master = await group.locate();
    if (first === undefined || master === null) throw new Error("nobody took over");
    return {
      scenario,
      by: group.name,
      unavailableMs: Math.round(
        scenario === "switchover" || scenario === "partition" ? longestGapMs(written, atMs) : first.atMs - atMs,
      ),
      lostAcknowledged: await lostWrites(written, master),
      acknowledged: written.acknowledged.length,
      errors: written.errors,
      told: group.told(),
    };
  } finally {
    await writer.stop();
  }
}

async function inflict(
  docker: Docker,
  group: Group,
  scenario: Scenario,
  old: GroupMaster,
  writer: Writer,
): Promise<void> {
  if (scenario === "switchover") return group.switchover();
  const { State } = await docker.getContainer(old.container).inspect();
  const dropped = async (chain: "INPUT" | "OUTPUT", except: readonly string[]): Promise<void> => {
    const rule = ["-t", String(State.Pid), "-n", "iptables", "-I", chain, ...except, "-j", "DROP"];
    await run("nsenter", rule);
  };
  switch (scenario) {
    case "killed":
      process.kill(State.Pid, "SIGKILL");
      return;
    case "hung":
      process.kill(State.Pid, "SIGSTOP");
      return;
    // Nothing of it is heard any more, and no connection is closed.
    case "cut off":
      await Promise.all([dropped("INPUT", []), dropped("OUTPUT", [])]);
      return;
    // The replicas and whoever watches are cut off; only the client goes on.
    case "partition": {
      const port = String(writer.localPort());
      await Promise.all([
        dropped("INPUT", ["-p", "tcp", "!", "--sport", port]),
        dropped("OUTPUT", ["-p", "tcp", "!", "--dport", port]),
      ]);
    }
  }
}
