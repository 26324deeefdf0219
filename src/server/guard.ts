import { isIP } from "node:net";
import bearerAuth from "@fastify/bearer-auth";
import type { FastifyInstance } from "fastify";
import type { ErrorReport } from "../model/report.ts";
import { REPORT_VERSION } from "../model/report.ts";
import type { ServerSettings } from "../settings/settings.ts";
import { answer } from "./failures.ts";

/**
 * Keeps out web pages that have their own name resolve to this machine (DNS rebinding), and so would read what a
 * browser here can reach: the Host header must be an address, `localhost` or the advertised name.
 */
export function guardHost(app: FastifyInstance, { advertise }: ServerSettings): void {
  const names = new Set(["localhost", ...(advertise === null ? [] : [new URL(advertise).hostname])]);
  app.addHook("onRequest", async ({ hostname }, reply) => {
    if (names.has(hostname) || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return;
    await answer(reply, 421, "denied", "the Host header names another server");
  });
}

/** Changes over TCP need the bearer token of the settings; where they have none, changes are taken over the socket only. */
export async function guardChanges(scope: FastifyInstance, { token }: ServerSettings): Promise<void> {
  if (token === null) {
    scope.addHook("onRequest", async (_, reply) => {
      await answer(reply, 403, "denied", "changes are taken over the socket only: the settings have no server.token");
    });
    return;
  }
  const refused: ErrorReport = {
    version: REPORT_VERSION,
    error: { code: "denied", message: "changes over TCP need the bearer token of server.token", advice: null },
  };
  // The plugin's type knows texts only, and sends whatever it gets.
  const errorResponse = () => refused as unknown as { error: string };
  await scope.register(bearerAuth, { keys: new Set([token.reveal()]), errorResponse });
}
