import type { Status } from "../../model/status.ts";
import type { PublishedCheck, Publisher } from "../../ports/publisher.ts";
import type { ConsulConnection } from "./connection.ts";
import { mustBeOk } from "./failures.ts";

const words: Readonly<Record<Status, string>> = { 0: "passing", 1: "warning", 2: "critical", 3: "critical" };
/** Without a refresh for so long, nobody knows how the services stand; later the record goes altogether. */
const TTL = "10m";
const DEREGISTER_AFTER = "24h";

/**
 * Shows standings as checks of one Consul service, `heal-status`, with the local agent. It has no address of its own
 * and is routed to by nobody, so that a critical check takes nothing out of service.
 */
export function consulPublisher(connection: ConsulConnection, environment: string): Publisher {
  const serviceId = `heal-status.${environment}`;
  let shown = new Map<string, PublishedCheck>();

  const register = async (checks: readonly PublishedCheck[]): Promise<void> => {
    const reply = await connection.request({
      method: "PUT",
      path: ["agent", "service", "register"],
      query: { "replace-existing-checks": "true" },
      json: {
        ID: serviceId,
        Name: "heal-status",
        Tags: [environment],
        Checks: checks.map(({ service, status }) => ({
          CheckID: `${serviceId}.${service}`,
          Name: `heal: ${service}`,
          TTL,
          Status: words[status],
          DeregisterCriticalServiceAfter: DEREGISTER_AFTER,
        })),
      },
    });
    mustBeOk(reply, "register heal-status");
  };
  const update = async ({ service, status, line }: PublishedCheck): Promise<void> => {
    const reply = await connection.request({
      method: "PUT",
      path: ["agent", "check", "update", `${serviceId}.${service}`],
      json: { Status: words[status], Output: line },
    });
    mustBeOk(reply, `update the check of ${service}`);
  };

  return {
    async publish(checks, refresh) {
      const before = shown;
      const sameServices = checks.length === before.size && checks.every(({ service }) => before.has(service));
      shown = new Map();
      if (!sameServices) await register(checks);
      await Promise.all(checks.filter((check) => refresh || !isSame(check, before.get(check.service))).map(update));
      shown = new Map(checks.map((check) => [check.service, check]));
    },
    async withdraw() {
      shown = new Map();
      const reply = await connection.request({ method: "PUT", path: ["agent", "service", "deregister", serviceId] });
      if (reply.status !== 404) mustBeOk(reply, "deregister heal-status");
    },
  };
}

function isSame(check: PublishedCheck, before: PublishedCheck | undefined): boolean {
  return check.status === before?.status && check.line === before.line;
}
