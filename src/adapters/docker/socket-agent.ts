import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { callbackify } from "node:util";
import type { Cancel, Clock } from "../../ports/clock.ts";
import type { ParsedEndpoint, TlsSource } from "./endpoint.ts";
import type { SshTunnel } from "./ssh-tunnel.ts";

/** Upper bound on what one engine is asked at once; more wait their turn within their own deadlines. */
const socketsMax = 64;

const beforeSending = new WeakSet<Error>();

/** Whether the failure came before a connection stood: only of those is it certain that nothing was sent. */
export function wasBeforeSending(error: unknown): boolean {
  return error instanceof Error && beforeSending.has(error);
}

/** Opens the connections to one engine, wherever it is, and keeps them for the next call if wanted. */
export class SocketAgent extends Agent {
  readonly #clock: Clock;
  readonly #endpoint: ParsedEndpoint;
  readonly #tunnel: SshTunnel | null;
  readonly #connectMs: number;

  constructor(clock: Clock, endpoint: ParsedEndpoint, tunnel: SshTunnel | null, connectMs: number, keepAlive: boolean) {
    super({ keepAlive, maxSockets: socketsMax, scheduling: "lifo" });
    this.#clock = clock;
    this.#endpoint = endpoint;
    this.#tunnel = tunnel;
    this.#connectMs = connectMs;
  }

  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): undefined {
    if (done !== undefined) callbackify(() => this.#openNoted())(done);
  }

  async #openNoted(): Promise<Socket> {
    try {
      return await this.#open();
    } catch (error) {
      if (error instanceof Error) beforeSending.add(error);
      throw error;
    }
  }

  async #open(): Promise<Socket> {
    const socket = await this.#dial();
    const whenOpen = this.#endpoint.kind === "tcp" && this.#endpoint.tls !== null ? "secureConnect" : "connect";
    return new Promise((resolve, reject) => {
      let cancel: Cancel | null = null;
      const fail = (error: Error) => {
        cancel?.();
        reject(error);
      };
      socket.once("error", fail);
      socket.once(whenOpen, () => {
        cancel?.();
        socket.removeListener("error", fail);
        resolve(socket);
      });
      cancel = this.#clock.after(this.#connectMs, () =>
        socket.destroy(new Error(`no connection within ${this.#connectMs} ms`)),
      );
    });
  }

  async #dial(): Promise<Socket> {
    const endpoint = this.#endpoint;
    switch (endpoint.kind) {
      case "unix":
        return connect({ path: endpoint.path });
      case "ssh":
        if (this.#tunnel === null) throw new Error("no tunnel to the engine");
        return connect({ path: await this.#tunnel.socketPath() });
      case "tcp": {
        // Half-open connections (a cable out) are found by the kernel sooner than by its two-hour default.
        const address = { host: endpoint.hostname, port: endpoint.port, keepAlive: true, keepAliveInitialDelay: 5_000 };
        return endpoint.tls === null ? connect(address) : connectTls({ ...address, ...readCertificates(endpoint.tls) });
      }
    }
  }
}

/** Read anew for each connection, so that rotated certificates are taken up. */
function readCertificates({ directory }: TlsSource): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  if (directory === null) return {};
  return {
    ca: readFileSync(join(directory, "ca.pem")),
    cert: readFileSync(join(directory, "cert.pem")),
    key: readFileSync(join(directory, "key.pem")),
  };
}
