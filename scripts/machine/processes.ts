/** Running commands to their end, starting programs that outlive us, and ending those again by their pid. */
import { spawn } from "node:child_process";
import { existsSync, openSync, closeSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Where progress is told: one line at a time, no trailing newline. */
export type Say = (line: string) => void;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/**
 * A process as found again later. A bare pid is not enough, because the kernel reuses pids: `startedAtTicks` is the
 * kernel's start time of the process (clock ticks after boot) and tells the second owner of a pid from the first.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAtTicks: string;
}

/** Runs a command to its end. A command that cannot be started at all gives code 127, like a shell. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: options.env, cwd: options.cwd, timeout: options.timeoutMs ?? 60_000 });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code, signal) => resolve({ code: code ?? 128, stdout, stderr: stderr || (signal ?? "") }));
    // A command that ends without reading its input closes the pipe; its exit code says what happened.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** Like {@link run}, and rejects with the command and the last line it complained with when the code is not 0. */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await run(command, args, options);
  if (result.code === 0) return result.stdout;
  const complaint = (result.stderr.trim() || result.stdout.trim()).split("\n").at(-1) ?? "";
  throw new Error(`${path.basename(command)} ${args.join(" ")} failed (${result.code}): ${complaint}`);
}

/** The full path of a program, looked for on PATH and in the system folders that a plain user's PATH leaves out. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => path.resolve(folder, name)).find((candidate) => existsSync(candidate));
}

/** Starts a program in a session of its own, so that neither our end nor a Ctrl-C in our terminal ends it. */
export function startDetached(
  command: string,
  args: readonly string[],
  options: { readonly logFile: string; readonly env?: NodeJS.ProcessEnv },
): ProcessIdentity {
  const log = openSync(options.logFile, "a");
  try {
    const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log], env: options.env });
    child.on("error", () => undefined); // told by the missing pid below
    child.unref();
    if (child.pid === undefined) throw new Error(`${command} could not be started`);
    return identify(child.pid) ?? { pid: child.pid, startedAtTicks: "" };
  } finally {
    closeSync(log);
  }
}

/** The identity of a running process, or nothing when no such process runs (a zombie does not run). */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // no such process
  }
  // "pid (name) state …": the name may hold anything, so count from the last parenthesis. Start time is field 22.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : { pid, startedAtTicks: rest[18] ?? "" };
}

export function isAlive(candidate: ProcessIdentity): boolean {
  return identify(candidate.pid)?.startedAtTicks === candidate.startedAtTicks;
}

/** Sends a signal to exactly this process; does nothing when it has ended meanwhile. */
export function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (isAlive(target)) process.kill(target.pid, name);
}

/** Ends a process: politely first, by SIGKILL when it is still there after the grace time. Returns once it is gone. */
export async function end(target: ProcessIdentity, graceMs: number): Promise<void> {
  signal(target, "SIGTERM");
  if (await becomes(() => !isAlive(target), graceMs)) return;
  signal(target, "SIGKILL");
  await waitUntil(() => !isAlive(target), { timeoutMs: 5_000, what: `process ${target.pid} to end after SIGKILL` });
}

/** Waits until the condition holds, looking again every few milliseconds; rejects when it does not within the time. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  options: { readonly timeoutMs: number; readonly what: string; readonly everyMs?: number },
): Promise<void> {
  if (await becomes(condition, options.timeoutMs, options.everyMs)) return;
  throw new Error(`waited ${options.timeoutMs} ms in vain for ${options.what}`);
}

async function becomes(condition: () => boolean | Promise<boolean>, timeoutMs: number, everyMs = 20): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(everyMs);
  }
}
