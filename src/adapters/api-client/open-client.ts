import type { AlertsReport, AlertTestReport } from "../../model/alert-report.ts";
import { REPORT_VERSION } from "../../model/report.ts";
import type { RedisReport } from "../../model/redis-report.ts";
import type { PassReport, PlanReport, StatusReport, WhyReport } from "../../model/report.ts";
import type { Controller } from "../../ports/controller.ts";
import { ControllerError } from "../../ports/controller.ts";
import type { Secret } from "../../model/secret.ts";
import type { Ask, Question } from "./ask.ts";
import { askSocket } from "./ask-socket.ts";
import { revive } from "./revive.ts";

/** Where a daemon answers: its socket on this machine, or the address it advertises to others. */
export type Endpoint =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "address"; readonly url: string; readonly token: Secret | null };

/**
 * The daemon at `endpoint` as a Controller; null when none answers there, or none in time (a stopped one must not keep
 * a command from looking for itself). Rejects with `ControllerError` when it is there and may not be asked, or speaks a
 * version that this program does not know.
 */
export async function connectDaemon(endpoint: Endpoint, timeoutMs = 2_000): Promise<Controller | null> {
  const ask = await askOf(endpoint);
  try {
    const { status, body } = await ask({ method: "GET", path: "/healthz", timeoutMs });
    const spoken = (body as { readonly apiVersion?: unknown } | null)?.apiVersion;
    if (status !== 200 || spoken !== REPORT_VERSION) {
      throw new ControllerError("unclear", "what answers there is no daemon of this version of heal");
    }
    return apiController(ask);
  } catch (error) {
    if (error instanceof ControllerError && (error.kind === "absent" || error.kind === "silent")) return null;
    throw error;
  }
}

async function askOf(endpoint: Endpoint): Promise<Ask> {
  if (endpoint.kind === "socket") return askSocket(endpoint.path);
  const { askAddress } = await import("./ask-address.ts");
  return askAddress(endpoint.url, endpoint.token);
}

/** Every call rejects as the daemon's own controller did, or with `ControllerError`. */
function apiController(ask: Ask): Controller {
  const fetch = async (question: Question): Promise<unknown> => {
    const answer = await ask(question);
    if (answer.status >= 400) throw revive(answer);
    return answer.body;
  };
  const read = (path: string): Promise<unknown> => fetch({ method: "GET", path, timeoutMs: readMs });
  const tell = (path: string, body: unknown, timeoutMs = readMs): Promise<unknown> =>
    fetch({ method: "POST", path, body, timeoutMs });
  return {
    services: async () => ((await read("/api/v1/services")) as { readonly services: readonly string[] }).services,
    planNow: async (services) => (await read(`/api/v1/plan${query(services)}`)) as PlanReport,
    pass: async (services, expect) => (await tell("/api/v1/pass", { services, expect }, passMs)) as PassReport,
    status: async (services) => (await read(`/api/v1/status${query(services)}`)) as StatusReport,
    why: async (service) => (await read(`/api/v1/services/${encodeURIComponent(service)}`)) as WhyReport,
    nudge: async (services) => void (await tell("/api/v1/nudge", { services })),
    pause: async (service, { forMs, why }) => void (await tell("/api/v1/pause", { service, forMs, why }, passMs)),
    resume: async (service) => void (await tell("/api/v1/resume", { service }, passMs)),
    confirm: async (hash) => void (await tell("/api/v1/confirm", { hash })),
    redis: {
      status: async (service) => (await read(`/api/v1/redis/${encodeURIComponent(service)}`)) as RedisReport,
      switchover: async (service, to) => (await tell("/api/v1/redis/switchover", { service, to })) as RedisReport,
      promote: async (service, to) => (await tell("/api/v1/redis/promote", { service, to })) as RedisReport,
    },
    alerts: {
      list: async () => (await read("/api/v1/alerts")) as AlertsReport,
      test: async (channel) => (await tell("/api/v1/alerts/test", { channel })) as AlertTestReport,
      silence: async (subject, options) => void (await tell("/api/v1/alerts/silence", { subject, ...options })),
      endSilence: async (subject) => void (await tell("/api/v1/alerts/end-silence", { subject })),
    },
    close: async () => undefined,
  };
}

function query(services: readonly string[]): string {
  return services.length === 0
    ? ""
    : `?${new URLSearchParams(services.map((name): [string, string] => ["service", name]))}`;
}

/** A plan over many services with closer looks at Consul and every engine. */
const readMs = 60_000;

/** A pass that pulls images and starts many containers, wave after wave. */
const passMs = 30 * 60_000;
