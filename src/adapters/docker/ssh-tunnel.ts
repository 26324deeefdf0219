import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../ports/clock.ts";
import type { ParsedEndpoint } from "./endpoint.ts";

export type SshEndpoint = Extract<ParsedEndpoint, { kind: "ssh" }>;

const retryMs = 20;
const outputLengthMax = 2_000;

/**
 * Forwards a local socket to the engine's with the system's own ssh, so that its keys, agent, jump hosts and checked
 * host keys apply. One process serves all connections; when it ends, the next connection starts another.
 */
export class SshTunnel {
  readonly #clock: Clock;
  readonly #endpoint: SshEndpoint;
  readonly #connectMs: number;
  readonly #program: string;
  #running: { readonly process: ChildProcess; readonly directory: string; readonly ready: Promise<string> } | null =
    null;

  constructor(clock: Clock, endpoint: SshEndpoint, connectMs: number, program = "ssh") {
    this.#clock = clock;
    this.#endpoint = endpoint;
    this.#connectMs = connectMs;
    this.#program = program;
  }

  /** Path of a local socket that leads to the engine. Rejects with what ssh said when it cannot get there. */
  socketPath(): Promise<string> {
    this.#running ??= this.#start();
    return this.#running.ready;
  }

  close(): void {
    this.#running?.process.kill();
  }

  #start() {
    const directory = mkdtempSync(join(tmpdir(), "heal-ssh-"));
    const socketPath = join(directory, "docker.sock");
    const child = spawn(this.#program, sshArguments(this.#endpoint, socketPath, this.#connectMs), {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise<Error>((resolve) => {
      const failed = (reason: string) => resolve(new Error(`ssh to ${this.#endpoint.hostname}: ${reason}`));
      let output = "";
      child.stderr.on("data", (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-outputLengthMax);
      });
      child.on("error", (error) => failed(error.message));
      child.on("close", (code) => failed(output.trim() || `ended with ${code}`));
    });
    const running = { process: child, directory, ready: this.#untilConnectable(socketPath, ended) };
    void ended.then(() => {
      rmSync(directory, { recursive: true, force: true });
      if (this.#running === running) this.#running = null;
    });
    // Whoever connects hears of a failure; nobody may be listening any more.
    running.ready.catch(() => child.kill());
    return running;
  }

  async #untilConnectable(socketPath: string, ended: Promise<Error>): Promise<string> {
    const giveUpAtMs = this.#clock.steadyMs() + this.#connectMs;
    while (this.#clock.steadyMs() < giveUpAtMs) {
      if (await isConnectable(socketPath)) return socketPath;
      const outcome = await Promise.race([ended, this.#clock.sleep(retryMs)]);
      if (outcome instanceof Error) throw outcome;
    }
    throw new Error(`ssh to ${this.#endpoint.hostname}: no connection within ${this.#connectMs} ms`);
  }
}

function sshArguments(endpoint: SshEndpoint, socketPath: string, connectMs: number): string[] {
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    ExitOnForwardFailure: "yes",
    ConnectTimeout: String(Math.ceil(connectMs / 1_000)),
    ServerAliveInterval: "5",
    ServerAliveCountMax: "2",
    // A shared master connection would outlive this process and its end would not be seen.
    ControlMaster: "no",
    ControlPath: "none",
  };
  return [
    "-N",
    "-T",
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "-L",
    `${socketPath}:${endpoint.remoteSocket}`,
    ...(endpoint.port === null ? [] : ["-p", String(endpoint.port)]),
    ...(endpoint.user === null ? [] : ["-l", endpoint.user]),
    "--",
    endpoint.hostname,
  ];
}

function isConnectable(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
