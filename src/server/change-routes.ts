import type { FastifyInstance } from "fastify";
import type { Controller } from "../ports/controller.ts";

/** Everything that makes something happen. Bodies are JSON; each answers when it was taken or done. */
export function changeRoutes(app: FastifyInstance, controller: Controller): void {
  app.post<Body<{ services: readonly string[]; expect: string | null }>>(
    "/api/v1/pass",
    body({ services, expect: { type: ["string", "null"], default: null, maxLength: 64 } }),
    async ({ body }) => controller.pass(body.services, body.expect),
  );
  app.post<Body<{ services: readonly string[] }>>("/api/v1/nudge", body({ services }), async ({ body }, reply) => {
    await controller.nudge(await placed(controller, body.services));
    return reply.code(202).send({ taken: true });
  });
  app.post<Body<{ service: string; forMs: number | null; why: string }>>(
    "/api/v1/pause",
    body(
      {
        service,
        forMs: { type: ["integer", "null"], minimum: 1, default: null },
        why: { type: "string", maxLength: 500, default: "" },
      },
      ["service"],
    ),
    async ({ body }) => {
      await controller.pause(body.service, { forMs: body.forMs, why: body.why });
      return { service: body.service, paused: true };
    },
  );
  app.post<Body<{ service: string }>>("/api/v1/resume", body({ service }, ["service"]), async ({ body }) => {
    await controller.resume(body.service);
    return { service: body.service, paused: false };
  });
  app.post<Body<{ hash: string }>>("/api/v1/confirm", body({ hash: service }, ["hash"]), async ({ body }) => {
    await controller.confirm(body.hash);
    return { hash: body.hash, accepted: true };
  });
  app.post<Body<{ channel: string }>>(
    "/api/v1/alerts/test",
    body({ channel: service }, ["channel"]),
    async ({ body }) => controller.alerts.test(body.channel),
  );
  app.post<Body<{ subject: string; forMs: number; why: string; by: string }>>(
    "/api/v1/alerts/silence",
    body({ subject: service, forMs: { type: "integer", minimum: 1 }, why: text, by: text }, ["subject", "forMs"]),
    async ({ body: { subject, ...options } }) => {
      await controller.alerts.silence(subject, options);
      return { subject, silenced: true };
    },
  );
  app.post<Body<{ subject: string }>>(
    "/api/v1/alerts/end-silence",
    body({ subject: service }, ["subject"]),
    async ({ body: { subject } }) => {
      await controller.alerts.endSilence(subject);
      return { subject, silenced: false };
    },
  );
}

/** A hint may use the name that a service has in Consul: one that is nobody's means that all are looked at. */
async function placed(controller: Controller, named: readonly string[]): Promise<readonly string[]> {
  const desired = new Set(await controller.services());
  return named.every((name) => desired.has(name)) ? named : [];
}

interface Body<T> {
  Body: T;
}

const service = { type: "string", minLength: 1, maxLength: 255 };
const text = { type: "string", maxLength: 500, default: "" };
const services = { type: "array", items: service, maxItems: 1_000, default: [] };

function body(properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) {
  return { schema: { body: { type: "object", additionalProperties: false, properties, required } } };
}
