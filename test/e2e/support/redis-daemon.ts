/** heal in this process, where a test sees its decisions, or as the built program, which a test can kill. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { run } from "../../../scripts/machine/processes.ts";
import { diskFiles } from "../../../src/adapters/files/disk-files.ts";
import { pinoLog } from "../../../src/adapters/log/pino-log.ts";
import { formatProblem } from "../../../src/model/problem.ts";
import type { RedisReport } from "../../../src/model/redis-report.ts";
import { loadSettings } from "../../../src/settings/load-settings.ts";
import { startRunning } from "../../../src/wiring/daemon.ts";
import { until } from "./site.ts";

export interface HealDaemon {
  /** What a person asks for; resolves to how the roles are then. */
  ask(what: "status" | "switchover" | "promote", service: string, to: string | null): Promise<RedisReport | null>;
  log(): string;
  stop(): Promise<void>;
  /** SIGKILL; rejects where it would end this process too. */
  kill(): Promise<void>;
}

type Listener = NonNullable<Parameters<typeof startRunning>[0]["listeners"]>[number];

export async function startInProcess(
  settingsFile: string,
  environment: string,
  listener: Listener,
): Promise<HealDaemon> {
  const loaded = await loadSettings(diskFiles(), {
    variables: {},
    workingDirectory: dirname(settingsFile),
    configPath: settingsFile,
    environment,
  } as Parameters<typeof loadSettings>[1]);
  if (loaded.kind === "invalid") throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const running = await startRunning({
    settings: loaded.settings,
    variables: () => null,
    log: pinoLog(process.env["HEAL_TEST_LOG"] === undefined ? "error" : "debug", {}),
    shadow: false,
    onGone: () => undefined,
    listeners: [listener],
  });
  return {
    async ask(what, service, to) {
      const { redis } = running.controller;
      return (what === "status" ? await redis?.status(service) : await redis?.[what](service, to)) ?? null;
    },
    log: () => "",
    stop: () => running.stop(),
    kill: () => Promise.reject(new Error("this heal runs in the test's own process")),
  };
}

const program = resolve(process.env["HEAL_TEST_PROGRAM"] ?? "dist/bin.js");

export async function startProgram(settingsFile: string, logFile: string): Promise<HealDaemon> {
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, [program, "run", "--config", settingsFile], { stdio: ["ignore", log, log] });
  closeSync(log);
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  const text = (): string => readFileSync(logFile, "utf8");
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  await until(() => text().includes('"controller.started"') || child.exitCode !== null, "the daemon to start");
  if (child.exitCode !== null) throw new Error(`the daemon ended at once: ${text()}`);
  return {
    async ask(what, service, to) {
      const named = to === null ? [] : ["--to", to];
      const words = ["redis", what, service, ...named, "--json", "--config", settingsFile];
      const { code, stdout, stderr } = await run(process.execPath, [program, ...words], { timeoutMs: 60_000 });
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as RedisReport;
    },
    log: text,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}
