import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { type EngineOptions, openEngine, type OpenEngine } from "../../../src/adapters/docker/open-engine.ts";

/** Answers a request in any way that a broken, slow or hostile engine could. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeEngine {
  readonly engine: OpenEngine;
  readonly socketPath: string;
  /** `POST /v1.41/containers/create?name=x`, in the order of arrival. */
  readonly requests: string[];
  /** Bodies of the requests that had one. */
  readonly bodies: string[];
  openSockets(): number;
  /** How many connections there have been. */
  connections(): number;
  /** Takes no connection any more, as when the daemon ends; what is open stays open. */
  stopListening(): void;
  untilNoSockets(): Promise<void>;
}

/**
 * An engine on a unix socket that answers by the first route whose text occurs in the request line; a plain ping is
 * answered as version 1.41 would.
 */
export async function aFakeEngine(
  routes: Readonly<Record<string, Answer>>,
  options: Partial<EngineOptions> = {},
): Promise<FakeEngine> {
  const directory = await mkdtemp(join(tmpdir(), "heal-fake-"));
  const socketPath = join(directory, "docker.sock");
  const requests: string[] = [];
  const bodies: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (body !== "") bodies.push(body);
      const route = Object.entries(routes).find(([text]) => line.includes(text))?.[1];
      (route ?? (line.endsWith("/_ping") ? pong("1.41") : json({ message: "no such route" }, 404)))(request, response);
    });
  });
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const engine = openEngine(
    "h1",
    { address: `unix://${socketPath}`, tlsDirectory: null },
    { clock: realClock(), ...options },
  );
  onTestFinished(async () => {
    engine.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve)); // calls back also when it was closed before
    await rm(directory, { recursive: true, force: true });
  });
  return {
    engine,
    socketPath,
    requests,
    bodies,
    openSockets: () => sockets.size,
    connections: () => connections,
    stopListening: () => void server.close(),
    async untilNoSockets() {
      for (let tries = 0; sockets.size > 0; tries += 1) {
        if (tries > 200) throw new Error(`${sockets.size} sockets stay open`);
        await sleep(10);
      }
    },
  };
}

export function json(value: unknown, status = 200): Answer {
  return raw(JSON.stringify(value), status, "application/json");
}

export function raw(text: string, status = 200, contentType = "application/json"): Answer {
  return (_request, response) => response.writeHead(status, { "Content-Type": contentType }).end(text);
}

export function pong(version: string): Answer {
  return (_request, response) =>
    response.writeHead(200, { "Api-Version": version, "Content-Type": "text/plain" }).end("OK");
}

export function never(): Answer {
  return () => undefined;
}

/** Begins an answer and loses the connection in the middle of it. */
export function half(text: string): Answer {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": String(text.length * 2) });
    response.write(text, () => response.socket?.destroy());
  };
}

/** Begins an answer and never ends it. */
export function stuck(text: string): Answer {
  return (_request, response) => void response.writeHead(200, { "Content-Type": "application/json" }).write(text);
}

export function cut(): Answer {
  return (_request, response) => void response.socket?.destroy();
}

/** The same answer, after which the connection is closed. */
export function hangingUp(answer: Answer): Answer {
  return (request, response) => {
    response.setHeader("Connection", "close");
    answer(request, response);
  };
}
