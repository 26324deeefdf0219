import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { until } from "../../../test/e2e/support/site.ts";
import type { Context } from "./row.ts";

/** A Node process that has said that it is ready. */
export async function started(context: Context, args: readonly string[], logFile: string, ready: string, more = {}) {
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, args, { stdio: ["ignore", log, log], env: { ...process.env, ...more } });
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await gone;
  };
  const said = (): string => readFileSync(logFile, "utf8");
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`${args[0]} ended: ${said().slice(-1_000)}`);
      return said().includes(ready);
    },
    `${args.at(-1)} to be ready`,
    60_000,
  ).catch(async (error: unknown) => {
    context.say(said().slice(-2_000));
    await stop();
    throw error;
  });
  return { pid: child.pid ?? 0, stop };
}
