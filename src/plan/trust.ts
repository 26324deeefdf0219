import type { HostObservation, ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Trust } from "../model/plan.ts";
import type { Tuning } from "../model/tuning.ts";
import { isJudgedByConsul, isSucceeded } from "./condition.ts";

export interface TrustVerdict {
  readonly trust: Trust;
  /** A sentence for the operator: what the verdict rests on. */
  readonly reason: string;
}

/**
 * How far a service's observation can be relied on. Blind: a source did not answer, or not usably. Suspect: the two
 * sources contradict each other or the recent past in a way that a wrong answer would explain better than a real
 * change. Everything else is trusted.
 */
export function judgeTrust(
  service: Service,
  observed: ServiceObservation,
  hosts: Readonly<Record<string, HostObservation>>,
  tuning: Tuning,
): TrustVerdict {
  if (observed.binding.kind === "unknown") return blind(observed.binding.reason);
  const relevant = service.placement.hosts ?? Object.keys(hosts);
  if (relevant.length > 0 && relevant.every((host) => observed.silentHosts[host] !== undefined)) {
    return blind(`no host of it answers: ${Object.values(observed.silentHosts)[0] ?? "unknown reason"}`);
  }
  if (observed.registry.kind === "unknown") {
    if (service.consul !== null || isJudgedByConsul(service, observed)) return blind(observed.registry.reason);
    return { trust: "trusted", reason: "Docker answered; the service is not registered in Consul" };
  }
  if (service.consul !== null && observed.agreeingReads < tuning.agreeingReads) {
    const contradiction = contradictionIn(observed);
    if (contradiction !== null) return { trust: "suspect", reason: contradiction };
  }
  return { trust: "trusted", reason: "Consul and Docker answered and agree" };
}

/** Names the contradiction that a lying Consul would explain, or null when there is none. */
function contradictionIn(observed: ServiceObservation): string | null {
  const running = observed.instances.filter(({ container, current }) => current && container.state === "running");
  const unregistered = running.filter(
    (instance) => instance.registration === null && !isSucceeded(instance, observed.instances),
  );
  if (unregistered.length === 0) return null;
  const before = observed.registrationsBefore ?? 0;
  if (unregistered.length === running.length && before > 0) {
    return `Consul lists none of ${running.length} running instances, though it listed ${before} before`;
  }
  return `Docker runs ${unregistered.map(({ container }) => container.name).join(", ")}, which Consul does not list`;
}

function blind(reason: string): TrustVerdict {
  return { trust: "blind", reason };
}
