import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import type { ProcessIdentity } from "../machine/processes.ts";
import { identify, run } from "../machine/processes.ts";

/** The built program, run as a user runs it. */
export interface Heal {
  /** Starts `heal run` and resolves when it is ready. */
  start(): Promise<void>;
  /** One command; its exit code is a result, not an error. */
  ask(...args: string[]): Promise<{ readonly code: number; readonly text: string }>;
  /** Leaves the daemon running: says which process it is. */
  leave(): ProcessIdentity;
  stop(): Promise<void>;
}

export interface HealOptions {
  readonly program: string;
  readonly config: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly logFile: string;
}

export function openHeal({ program, config, environment, logFile }: HealOptions): Heal {
  let daemon: ChildProcess | null = null;
  const ask = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(process.execPath, [program, ...args, "--config", config], {
      env: environment,
    });
    return { code, text: stdout + stderr };
  };
  return {
    ask,
    async start() {
      const log = openSync(logFile, "a");
      const child = spawn(process.execPath, [program, "run", "--config", config], {
        env: environment,
        stdio: ["ignore", log, log],
        detached: true,
      });
      daemon = child;
      const ended = new Promise<never>((_resolve, reject) => {
        child.once("exit", (code) => reject(new Error(`the daemon ended with code ${code}; its log is ${logFile}`)));
      });
      ended.catch(() => undefined);
      await Promise.race([ended, untilTrue(async () => isLed((await ask("status", "--json")).text))]);
    },
    leave() {
      const left = daemon?.pid === undefined ? undefined : identify(daemon.pid);
      if (left === undefined) throw new Error(`the daemon does not run; its log is ${logFile}`);
      return left;
    },
    async stop() {
      const child = daemon;
      if (child === null || child.exitCode !== null) return;
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      await gone;
      daemon = null;
    },
  };
}

function isLed(json: string): boolean {
  return (JSON.parse(json) as { readonly controller?: { readonly role?: string } }).controller?.role === "leader";
}

/** Asks again until the answer is yes. Rejects after `withinMs`. */
export async function untilTrue(question: () => Promise<boolean>, withinMs = 30_000, everyMs = 100): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (performance.now() < endMs) {
    if (await question()) return;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`it did not happen within ${withinMs / 1000} s`);
}
