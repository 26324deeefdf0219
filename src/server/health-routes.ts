import type { FastifyInstance } from "fastify";
import { REPORT_VERSION } from "../model/report.ts";
import type { MetricsPage } from "./metrics.ts";

export interface HealthDeps {
  readonly version: string;
  readonly readiness: () => Readiness;
  readonly metrics: MetricsPage;
}

/** Whether the world is known well enough to act on it, and what is missing. */
interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/**
 * `/healthz`: the process lives and answers. `/readyz`: it also knows the world, or why it does not; a daemon that is not
 * ready needs Docker or Consul and not a restart. `/metrics`: for Prometheus.
 */
export function healthRoutes(app: FastifyInstance, { version, readiness, metrics }: HealthDeps): void {
  app.get("/healthz", async () => ({ status: "ok", version, apiVersion: REPORT_VERSION }));
  app.get("/readyz", async (_, reply) => {
    const state = readiness();
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
