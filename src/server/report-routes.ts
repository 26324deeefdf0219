import type { FastifyInstance } from "fastify";
import type { Controller } from "../ports/controller.ts";
import { checkReport } from "../report/present/check-text.ts";

/** Everything that can be asked without changing anything. */
export function reportRoutes(app: FastifyInstance, controller: Controller): void {
  app.get("/api/v1/services", async () => ({ services: await controller.services() }));
  app.get<Named>("/api/v1/services/:name", async ({ params }) => controller.why(params.name));
  app.get<Chosen>("/api/v1/status", chosen, async ({ query }) => controller.status(query.service));
  app.get<Chosen>("/api/v1/check", chosen, async ({ query }) => checkReport(await controller.status(query.service)));
  app.get("/api/v1/alerts", async () => controller.alerts.list());
  app.get<Chosen>("/api/v1/plan", chosen, async ({ query }) => controller.planNow(query.service));
}

interface Named {
  Params: { name: string };
}

/** `?service=web&service=api`; none: all. */
interface Chosen {
  Querystring: { service: readonly string[] };
}

const chosen = {
  schema: {
    querystring: {
      type: "object",
      additionalProperties: false,
      properties: {
        service: { type: "array", items: { type: "string", maxLength: 255 }, maxItems: 1_000, default: [] },
      },
    },
  },
};
