import type { FastifyInstance } from "fastify";
import { InUse } from "../ports/controller.ts";
import type { ServerSettings } from "../settings/settings.ts";
import type { AppDeps } from "./app.ts";
import { openApp } from "./app.ts";
import { openSocket } from "./open-socket.ts";

export interface RunningServer {
  readonly socketPath: string;
  /** Where it listens over TCP, with the port that a setting of 0 has led to; null: nowhere. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Ends open requests and gives the socket up. */
  close(): Promise<void>;
}

/** Answers on the socket and, where the settings say so, over TCP. Rejects with `InUse`; then nothing is left open. */
export async function startServer(deps: AppDeps): Promise<RunningServer> {
  const { socketPath, listen } = deps.settings;
  const local = await openApp(deps, "socket");
  const socket = await openSocket(socketPath, (path) => local.listen({ path })).catch(closing(local));
  const tcp = listen === null ? null : await openTcp(deps, listen).catch(closing(local, socket));
  return {
    socketPath,
    address: tcp === null || listen === null ? null : { host: listen.host, port: portOf(tcp) },
    async close() {
      await Promise.all([local.close(), tcp?.close(), socket.close()]);
    },
  };
}

async function openTcp(deps: AppDeps, listen: NonNullable<ServerSettings["listen"]>): Promise<FastifyInstance> {
  const app = await openApp(deps, "tcp");
  try {
    // The framework writes into what it is given, and settings are frozen.
    await app.listen({ ...listen });
    return app;
  } catch (error) {
    await app.close();
    const where = `${listen.host}:${listen.port}`;
    switch ((error as NodeJS.ErrnoException).code) {
      case "EADDRINUSE":
        throw new InUse(`another process listens on ${where}: choose another server.listen`);
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
        throw new InUse(`this machine has no address ${where}: choose another server.listen`);
      case "EACCES":
        throw new InUse(`this user may not listen on ${where}: choose another server.listen`);
      default:
        throw error;
    }
  }
}

/** Closes what was opened before, and goes on rejecting. */
function closing(...opened: readonly { close(): PromiseLike<unknown> }[]): (error: unknown) => Promise<never> {
  return async (error) => {
    for (const one of opened) await one.close();
    throw error;
  };
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
