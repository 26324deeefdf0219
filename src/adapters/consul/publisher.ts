import type { Status } from "../../model/status.ts";
import type { PublishedCheck, Publisher } from "../../ports/publisher.ts";
import { openLanes } from "../lanes.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, list, text } from "./decode.ts";
import { mustBeOk } from "./failures.ts";
import { json } from "./read.ts";

const words: Readonly<Record<Status, string>> = { 0: "passing", 1: "warning", 2: "critical", 3: "critical" };
/** Without a refresh for so long, nobody knows how the services stand; later the record goes altogether. */
const TTL = "10m";
const DEREGISTER_AFTER = "24h";
/**
 * An agent writes each new check to its disk, some milliseconds, and answers nobody meanwhile, the renewal of the
 * leadership included. So there is one request for each check, and few at once: a thousand in one request take it seconds.
 */
const AT_ONCE = 4;

interface Shown {
  readonly status: string;
  readonly line: string;
}

/**
 * Shows standings as checks of one Consul service, `heal-status`, with the local agent. It has no address of its own
 * and is routed to by nobody, so that a critical check takes nothing out of service.
 */
export function consulPublisher(connection: ConsulConnection, environment: string, ttl = TTL): Publisher {
  const serviceId = `heal-status.${environment}`;
  const prefix = `${serviceId}.`;
  const lanes = openLanes(AT_ONCE);
  /** By service; null: to be asked of the agent, which may know them from before. */
  let shown: ReadonlyMap<string, Shown> | null = null;

  const put = async (what: string, path: readonly string[], body?: object): Promise<void> => {
    const request = { method: "PUT", path: ["agent", ...path], ...(body === undefined ? {} : { json: body }) } as const;
    mustBeOk(await connection.request(request), what);
  };
  const learn = async (): Promise<ReadonlyMap<string, Shown>> => {
    const service = { ID: serviceId, Name: "heal-status", Tags: [environment] };
    await put("register heal-status", ["service", "register"], service);
    const what = "checks of heal-status";
    const query = { filter: `ServiceID == "${serviceId}"` };
    const reply = await connection.request({ method: "GET", path: ["agent", "checks"], query });
    mustBeOk(reply, what);
    return new Map(
      list(Object.values(fields(json(reply, what), what)), what, (value, where) => {
        const check = fields(value, where);
        const id = text(check["CheckID"], `${where}.CheckID`);
        const status = text(check["Status"], `${where}.Status`);
        return [id.slice(prefix.length), { status, line: text(check["Output"], `${where}.Output`) }];
      }),
    );
  };
  const register = ({ service, status }: PublishedCheck): Promise<void> =>
    put(`register the check of ${service}`, ["check", "register"], {
      ID: `${prefix}${service}`,
      Name: `heal: ${service}`,
      ServiceID: serviceId,
      TTL: ttl,
      Status: words[status],
      DeregisterCriticalServiceAfter: DEREGISTER_AFTER,
    });
  const update = ({ service, status, line }: PublishedCheck): Promise<void> =>
    put(`update the check of ${service}`, ["check", "update", `${prefix}${service}`], {
      Status: words[status],
      Output: line,
    });
  const remove = (service: string): Promise<void> =>
    put(`remove the check of ${service}`, ["check", "deregister", `${prefix}${service}`]);

  return {
    async publish(checks, refresh) {
      const before = shown ?? (await learn());
      shown = null;
      const wanted = new Set(checks.map(({ service }) => service));
      const gone = [...before.keys()].filter((service) => !wanted.has(service));
      const show = async (check: PublishedCheck): Promise<void> => {
        const there = before.get(check.service);
        if (there === undefined) await register(check);
        if (refresh || !isSame(check, there)) await update(check);
      };
      await Promise.all([
        ...gone.map((service) => lanes(() => remove(service))),
        ...checks.map((check) => lanes(() => show(check))),
      ]);
      shown = new Map(checks.map(({ service, status, line }) => [service, { status: words[status], line }]));
    },
    async withdraw() {
      shown = null;
      const reply = await connection.request({ method: "PUT", path: ["agent", "service", "deregister", serviceId] });
      if (reply.status !== 404) mustBeOk(reply, "deregister heal-status");
    },
  };
}

function isSame({ status, line }: PublishedCheck, there: Shown | undefined): boolean {
  return words[status] === there?.status && line === there.line;
}
