import { spawn } from "node:child_process";
import type { Clock } from "../../ports/clock.ts";

export interface ToolRun {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly workingDirectory: string | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
}

export type ToolOutcome =
  | { readonly kind: "ended"; readonly code: number | null; readonly output: string; readonly complaint: string }
  /** The program could not be started at all. */
  | { readonly kind: "missing"; readonly reason: string }
  | { readonly kind: "expired" }
  | { readonly kind: "too-long" };

const outputLengthMax = 8 * 1024 * 1024;
const complaintLengthMax = 4_000;
const graceMs = 500;

/**
 * Runs a program without a shell and gives what it printed. One that does not end by its deadline, or prints without
 * end, is told to end and then killed; the outcome does not wait for that.
 */
export function runTool(clock: Clock, run: ToolRun): Promise<ToolOutcome> {
  return new Promise((resolve) => {
    const child = spawn(run.program, run.arguments, {
      ...(run.workingDirectory === null ? {} : { cwd: run.workingDirectory }),
      env: { ...run.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const giveUp = (outcome: ToolOutcome): void => {
      child.kill("SIGTERM");
      const cancelKill = clock.after(graceMs, () => child.kill("SIGKILL"));
      child.once("exit", cancelKill);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(outcome);
    };
    const cancelDeadline = clock.after(run.deadlineMs, () => giveUp({ kind: "expired" }));
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > outputLengthMax) giveUp({ kind: "too-long" });
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-complaintLengthMax);
    });
    child.once("error", (error) => {
      cancelDeadline();
      resolve({ kind: "missing", reason: error.message });
    });
    child.once("close", (code) => {
      cancelDeadline();
      resolve({ kind: "ended", code, output, complaint });
    });
  });
}
