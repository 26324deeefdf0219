import type { FastifyInstance } from "fastify";
import type { Controller, RedisControl } from "../ports/controller.ts";
import { ControllerError } from "../ports/controller.ts";

/** The roles of Redis services: how they stand, and a change of master by a person. */
export function redisRoutes(app: FastifyInstance, controller: Controller): void {
  app.get<{ Params: { name: string } }>("/api/v1/redis/:name", async ({ params }) =>
    rolesOf(controller).status(params.name),
  );
  app.post<Change>("/api/v1/redis/switchover", change, async ({ body }) =>
    rolesOf(controller).switchover(body.service, body.to),
  );
  app.post<Change>("/api/v1/redis/promote", change, async ({ body }) =>
    rolesOf(controller).promote(body.service, body.to),
  );
}

function rolesOf({ redis }: Controller): RedisControl {
  if (redis === undefined) throw new ControllerError("refused", "this heal knows nothing of Redis roles");
  return redis;
}

interface Change {
  Body: { service: string; to: string | null };
}

const change = {
  schema: {
    body: {
      type: "object",
      additionalProperties: false,
      properties: {
        service: { type: "string", minLength: 1, maxLength: 255 },
        to: { type: ["string", "null"], maxLength: 255, default: null },
      },
      required: ["service"],
    },
  },
};
