import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ErrorCode, ErrorReport } from "../model/report.ts";
import { REPORT_VERSION } from "../model/report.ts";
import { EVENT } from "../report/events.ts";
import type { Log } from "../ports/log.ts";
import { errorReport } from "../report/present/error-report.ts";

/** Every failure is answered as an `ErrorReport`, with the HTTP status that fits it. */
export function answerFailures(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler(async (request, reply) => {
    await answer(reply, 404, "usage", `there is no ${request.method} ${pathOf(request)}`);
  });
  app.setErrorHandler(async (error, request, reply) => {
    const known = errorReport(error);
    if (known !== null) return reply.code(statusOf[known.error.code]).send(known);
    const status = clientStatus(error);
    if (status !== null) return answer(reply, status, "usage", (error as Error).message);
    log.error({ event: EVENT.requestFailed, path: pathOf(request), error }, "request failed: this is a bug in heal");
    return answer(reply, 500, "bug", "this is a bug in heal: its log says more");
  });
}

/** Refuses a request, saying why. */
export function answer(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  const report: ErrorReport = { version: REPORT_VERSION, error: { code, message, advice: null } };
  return reply.code(status).send(report);
}

const statusOf: Readonly<Record<ErrorCode, number>> = {
  usage: 400,
  "unknown-service": 404,
  configuration: 409,
  "plan-changed": 409,
  "not-leader": 503,
  unavailable: 503,
  denied: 403,
  exists: 409,
  interrupted: 503,
  bug: 500,
};

/** What the framework says of requests that are too large, of another type or of the wrong shape. */
function clientStatus(error: unknown): number | null {
  const status = (error as { readonly statusCode?: unknown }).statusCode;
  return typeof status === "number" && status >= 400 && status < 500 ? status : null;
}

function pathOf({ url }: FastifyRequest): string {
  return url.split("?")[0] ?? url;
}
