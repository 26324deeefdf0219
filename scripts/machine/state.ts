/**
 * The state folder and what several runs on one machine share through it: locks, ports, and who still uses what.
 *
 * A *part* is something that was started and must be ended again: the engine, a Consul agent, a fleet. It lives in a
 * folder of its own below the state folder, with `part.json` saying what runs. Everyone who uses a part *holds* it; the
 * last one to let go ends it. A run that was killed leaves a hold of a dead process, which counts for nothing: the next
 * run, or `down`, clears up after it.
 */
import { createHash, randomInt, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { identify, isAlive, type ProcessIdentity } from "./processes.ts";

/** `$HEAL_STATE_DIR`, or a folder per user in the temporary folder. Made when it is not there. */
export function stateFolder(...below: readonly string[]): string {
  const uid = process.getuid?.() ?? 0;
  const root = path.resolve(process.env["HEAL_STATE_DIR"] ?? path.join(tmpdir(), `heal-machine-${uid}`));
  // Sockets live below it, and the kernel allows 107 characters for a socket's path.
  if (root.length > 60)
    throw new Error(`the state folder's path is too long, set HEAL_STATE_DIR to a shorter one: ${root}`);
  const folder = path.join(root, ...below);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}

/** A short name that differs between state folders, for things whose names are shared by the whole machine. */
export function stateId(): string {
  return createHash("sha256").update(stateFolder()).digest("hex").slice(0, 6);
}

/**
 * Runs the work while no other process on this machine runs work under the same lock.
 * The lock is an abstract socket: the kernel gives it back when its owner dies, so there are no stale locks, and
 * waiting is a connection that closes when the owner is done.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const address = `\0heal-lock-${stateId()}-${name}`;
  let server = await claim(address);
  while (server === undefined) {
    await untilClosed(address);
    server = await claim(address);
  }
  const waiting = new Set<net.Socket>();
  server.on("connection", (socket) => {
    waiting.add(socket);
    socket.on("error", () => undefined); // a waiter that went away
  });
  try {
    return await work();
  } finally {
    server.close();
    for (const socket of waiting) socket.destroy();
  }
}

/** A TCP port nobody listens on and nobody else of ours has been given, below the kernel's ephemeral range. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(20_000, 32_000);
    // The reservation lasts as long as this process, so that no other run is given the port before it is used.
    const reservation = await claim(`\0heal-port-${port}`);
    if (reservation === undefined) continue;
    reservation.unref();
    const trial = await claim(port);
    if (trial === undefined) continue;
    await new Promise((resolve) => trial.close(resolve));
    return port;
  }
  throw new Error("no free port found between 20000 and 32000");
}

export interface Part<Details> {
  readonly name: string;
  readonly folder: string;
  readonly details: Details | undefined;
}

/** What a part's folder says. `details` is undefined when nothing was written: never started, or interrupted early. */
export function readPart<Details>(name: string): Part<Details> {
  const folder = partFolder(name);
  const file = path.join(folder, "part.json");
  const details = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Details) : undefined;
  return { name, folder, details };
}

export function writePart(name: string, details: object): void {
  mkdirSync(partFolder(name), { recursive: true });
  writeWhole(path.join(partFolder(name), "part.json"), details);
}

export function partFolder(name: string): string {
  return path.join(stateFolder("parts"), name);
}

export function partNames(): string[] {
  return readdirSync(stateFolder("parts"));
}

export interface Hold {
  /** Lets go. Says whether anyone else still holds the part. */
  release(): { readonly stillHeld: boolean };
}

/** Holds a part for as long as this process lives, or until released; `kept` outlives the process. */
export function hold(name: string, kept = false): Hold {
  const folder = path.join(partFolder(name), "holders");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, kept ? "kept" : randomUUID());
  writeWhole(file, kept ? {} : (identify(process.pid) ?? {}));
  return {
    release() {
      rmSync(file, { force: true });
      return { stillHeld: holders(name).length > 0 };
    },
  };
}

/** Has another process hold whatever this one holds, until that process ends. */
export function holdFor(other: ProcessIdentity): void {
  for (const name of partNames()) {
    const isOurs = holders(name).some((holder) => holder !== "kept" && holder.pid === process.pid);
    if (isOurs) writeWhole(path.join(partFolder(name), "holders", randomUUID()), other);
  }
}

/** Takes back the wish that the part outlive the process that started it. */
export function letGoOfKept(name: string): void {
  rmSync(path.join(partFolder(name), "holders", "kept"), { force: true });
}

/** The processes that use a part now, with `"kept"` for one that shall stay up until told otherwise. */
export function holders(name: string): (ProcessIdentity | "kept")[] {
  const folder = path.join(partFolder(name), "holders");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => !file.endsWith(".new"))
    .map((file) => (file === "kept" ? "kept" : readHolder(path.join(folder, file))))
    .filter((holder) => holder === "kept" || (holder !== undefined && isAlive(holder)))
    .filter((holder) => holder !== undefined);
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity;
  } catch {
    return undefined; // released between the listing and the reading
  }
}

/** A reader, or a run interrupted in mid-write, sees the old content or the new, never half. */
function writeWhole(file: string, content: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

function claim(where: string | number): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(typeof where === "number" ? { port: where, host: "0.0.0.0" } : { path: where }, () =>
      resolve(server),
    );
  });
}

function untilClosed(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: address });
    socket.on("error", () => undefined); // refused: the owner is gone, and "close" follows
    socket.on("close", () => resolve());
    socket.resume();
  });
}
