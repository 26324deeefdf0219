import type { HostObservation, ServiceObservation } from "../model/observation.ts";
import type { Trust } from "../model/plan.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import type { Stock } from "./stock.ts";

export interface TrustVerdict {
  readonly trust: Trust;
  /** A sentence for the operator: what the verdict rests on. */
  readonly reason: string;
}

/**
 * How far a service's observation can be relied on. Blind: a source did not answer, or not usably. Suspect: the two
 * sources contradict each other or the recent past in a way that a wrong answer would explain better than a real
 * change. Everything else is trusted, and so is a contradiction that enough consistent reads agree on.
 */
export function judgeTrust(
  service: Service,
  observed: ServiceObservation,
  hosts: Readonly<Record<string, HostObservation>>,
  stock: Stock,
  tuning: Tuning,
): TrustVerdict {
  const blindness = blindnessOf(service, observed, hosts, stock);
  if (blindness !== null) return { trust: "blind", reason: blindness };
  if (observed.registry.kind === "unknown") {
    return { trust: "trusted", reason: "Docker answered; the service is not registered in Consul" };
  }
  const contradiction = observed.agreeingReads < tuning.agreeingReads ? contradictionIn(observed, stock) : null;
  if (contradiction !== null) return { trust: "suspect", reason: contradiction };
  return { trust: "trusted", reason: "Consul and Docker answered and agree" };
}

function blindnessOf(
  service: Service,
  observed: ServiceObservation,
  hosts: Readonly<Record<string, HostObservation>>,
  stock: Stock,
): string | null {
  if (observed.binding.kind === "unknown") return observed.binding.reason;
  const [reason] = Object.values(observed.silentHosts);
  if (reason !== undefined) {
    const relevant = service.placement.hosts ?? Object.keys(hosts);
    const isAnyHeard = relevant.length === 0 || relevant.some((host) => observed.silentHosts[host] === undefined);
    if (!isAnyHeard) return `no host of it answers: ${reason}`;
  }
  return observed.registry.kind === "unknown" && stock.judgedByConsul ? observed.registry.reason : null;
}

/**
 * Names the contradiction that a lying Consul would explain, or null when there is none. One that has just been started
 * contradicts nothing: its registration takes its way from the agent to the servers.
 */
function contradictionIn(
  { registrationsBefore }: ServiceObservation,
  { counted, amiss, judgedByConsul }: Stock,
): string | null {
  if (!judgedByConsul || amiss.length === 0) return null;
  const unlisted = amiss.filter(
    ({ condition, superseded, withinGrace }) => condition === "unregistered" && !superseded && !withinGrace,
  );
  if (unlisted.length === 0) return null;
  const before = registrationsBefore ?? 0;
  if (before > 0 && counted.every(({ instance }) => instance.registration === null)) {
    return `Consul lists none of ${unlisted.length} running instances, though it listed ${before} before`;
  }
  const names = unlisted.slice(0, 3).map(({ instance }) => instance.container.name);
  const more = unlisted.length > names.length ? ` and ${unlisted.length - names.length} more` : "";
  return `Docker runs ${names.join(", ")}${more}, which Consul does not list as they are`;
}
