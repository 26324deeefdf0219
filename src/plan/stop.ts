import type { Because, StopInstance } from "../model/action.ts";
import type { Instance } from "../model/instance.ts";
import { META } from "../model/labels.ts";
import type { Service } from "../model/service.ts";
import { isOwnMaintenance } from "./condition.ts";
import type { Situation } from "./situation.ts";
import type { Counted } from "./stock.ts";

const DEFAULT_GRACE_MS = 10_000;
/** Consul DNS and templates follow a change within a few milliseconds; clients re-resolve within about a second. */
const DRAIN_MS = 1_000;

/** The stop of one instance: its registration goes with it. Who is routed to it gets time to go elsewhere. */
export function stopInstance(
  { service, environment }: Pick<Situation, "service" | "environment">,
  { instance, condition }: Counted,
  because: Because,
): StopInstance {
  const { container } = instance;
  const registration = ownRegistration(environment, instance);
  return {
    kind: "stop-instance",
    service: service.name,
    host: container.host,
    containerId: container.id,
    name: container.name,
    registration,
    drainMs: condition === "healthy" && registration !== null ? DRAIN_MS : 0,
    graceMs: stopGraceOf(service),
    because,
  };
}

/** Only what carries our mark goes with an instance: what somebody else registered is theirs to take back. */
export function ownRegistration(
  environment: string,
  { registration }: Instance,
): { readonly id: string; readonly node: string } | null {
  return registration?.meta[META.environment] === environment ? { id: registration.id, node: registration.node } : null;
}

export function stopGraceOf(service: Service): number {
  return service.container?.stopGraceMs ?? DEFAULT_GRACE_MS;
}

/**
 * The Redis master is never just stopped: its role goes first. One that Consul does not list may be it, unless it calls
 * itself a replica, or is silent while another one is listed as the master and says that it is.
 */
export function mayBeMaster(
  { service: { redis }, observed }: Pick<Situation, "service" | "observed">,
  { instance }: Counted,
): boolean {
  if (redis === null) return false;
  if (instance.registration !== null) return instance.registration.tags.includes(redis.masterTag);
  const roles = new Map(
    observed.redis?.nodes.map(({ containerId, now }) => [containerId, now.kind === "known" ? now.value.role : null]),
  );
  const own = roles.get(instance.container.id) ?? null;
  if (own !== null) return own === "master";
  return !observed.instances.some(
    ({ container, registration }) =>
      registration?.tags.includes(redis.masterTag) === true && roles.get(container.id) === "master",
  );
}

/** A person has taken it out of service, and is perhaps looking at it. */
export function isTakenOutByHand({ instance }: Counted): boolean {
  return instance.registration?.inMaintenance === true && !isOwnMaintenance(instance.registration);
}
