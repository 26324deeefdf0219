import Fastify from "fastify";
import type { FastifyInstance } from "fastify";
import type { Controller } from "../ports/controller.ts";
import type { Log } from "../ports/log.ts";
import type { ServerSettings } from "../settings/settings.ts";
import { changeRoutes } from "./change-routes.ts";
import { redisRoutes } from "./redis-routes.ts";
import { answerFailures } from "./failures.ts";
import { guardChanges, guardHost } from "./guard.ts";
import type { HealthDeps } from "./health-routes.ts";
import { healthRoutes } from "./health-routes.ts";
import { reportRoutes } from "./report-routes.ts";

export interface AppDeps extends HealthDeps {
  readonly controller: Controller;
  readonly settings: ServerSettings;
  readonly log: Log;
}

/** The HTTP interface, the same behind the socket and the port but for who may change something. */
export async function openApp(deps: AppDeps, listener: "socket" | "tcp"): Promise<FastifyInstance> {
  const app = Fastify({
    // Without it `close` waits for whoever keeps a connection open.
    forceCloseConnections: true,
    bodyLimit: bodyBytesMax,
    requestTimeout: 10_000,
    routerOptions: { maxParamLength: 255 },
    // The schemas are our own and hold: checking them would be most of what it costs to open an interface.
    ajv: { customOptions: { coerceTypes: "array", removeAdditional: false, validateSchema: false, meta: false } },
  });
  answerFailures(app, deps.log);
  if (listener === "tcp") guardHost(app, deps.settings);
  healthRoutes(app, deps);
  reportRoutes(app, deps.controller);
  await app.register(async (scope) => {
    if (listener === "tcp") await guardChanges(scope, deps.settings);
    changeRoutes(scope, deps.controller);
    redisRoutes(scope, deps.controller);
  });
  await app.ready();
  return app;
}

/** The names of a thousand services, and no more. */
const bodyBytesMax = 256 * 1024;
