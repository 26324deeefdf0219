import type { FastifyInstance } from "fastify";
import { REPORT_VERSION } from "../model/report.ts";
import type { AppDeps } from "./app.ts";

/**
 * `/healthz`: the process lives and answers. `/readyz`: it also knows the world, or why it does not; a daemon that is not
 * ready needs Docker or Consul and not a restart. `/metrics`: for Prometheus.
 */
export function healthRoutes(app: FastifyInstance, { version, readiness, metrics }: AppDeps): void {
  app.get("/healthz", async () => ({ status: "ok", version, apiVersion: REPORT_VERSION }));
  app.get("/readyz", async (_, reply) => {
    const state = readiness();
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
