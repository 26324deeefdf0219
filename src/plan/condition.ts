import type { Container, Instance } from "../model/instance.ts";
import type { ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";

/**
 * How one instance stands:
 * - `healthy`: runs and passes;
 * - `starting`: runs, does not pass yet, and is within its grace;
 * - `unregistered`: runs, and Docker has nothing against it, but Consul does not list it;
 * - `unhealthy`: runs (or is paused), is past its grace and does not pass;
 * - `incomplete`: was created and never started;
 * - `ended`: does not run any more;
 * - `leaving`: is in maintenance, being removed, or unlisted because a newer generation has its slot's registration;
 * - `unknown`: its host does not answer.
 */
export type Condition =
  | "healthy"
  | "starting"
  | "unregistered"
  | "unhealthy"
  | "incomplete"
  | "ended"
  | "leaving"
  | "unknown";

/** Whether instances of this service are held against Consul, or against Docker's own health alone. */
export function isJudgedByConsul(service: Service, observed: ServiceObservation): boolean {
  if (service.consul !== null) return true;
  if (observed.instances.some((instance) => instance.registration !== null)) return true;
  return observed.registry.kind === "known" && observed.registry.value.foreign.length > 0;
}

/** What the grace of an instance is measured by. */
export interface Grace {
  readonly graceMs: number;
  /** Since when it has not been passing, on our own clock; null when that is first seen now. */
  readonly notPassingSinceMs: number | null;
  readonly nowMs: number;
}

/** The condition of one instance. */
export function conditionOf(instance: Instance, judgedByConsul: boolean, grace: Grace): Condition {
  if (!instance.current) return "unknown";
  const { container, registration } = instance;
  switch (container.state) {
    case "created":
      return "incomplete";
    case "exited":
    case "dead":
      return "ended";
    case "removing":
      return "leaving";
    case "paused":
      return "unhealthy";
    case "restarting":
      return isWithinGrace(container, grace) ? "starting" : "unhealthy";
    case "running":
      break;
  }
  if (registration?.inMaintenance === true) return "leaving";
  const notPassing = isWithinGrace(container, grace) ? "starting" : "unhealthy";
  if (container.health === "unhealthy" || container.health === "starting") return notPassing;
  if (!judgedByConsul) return "healthy";
  if (registration === null) return "unregistered";
  if (registration.nodeStatus === "critical" || registration.status === "critical") return notPassing;
  return "healthy";
}

/**
 * Whether a newer generation of its slot runs. The two share one registration, which is then the newer one's: that the
 * older is not listed is no contradiction, and listing it again would take the newer one's place.
 */
export function isSucceeded({ container }: Instance, all: readonly Instance[]): boolean {
  const { slot, generation } = container;
  if (slot === null || generation === null) return false;
  return all.some(
    (other) =>
      other.container.slot === slot &&
      other.container.state === "running" &&
      (other.container.generation ?? 0) > generation,
  );
}

/** The grace a started instance has before it must pass. */
export function graceOf(service: Service, tuning: Tuning): number {
  const docker = service.container?.healthcheck;
  return service.health?.startGraceMs ?? (docker ? docker.startPeriodMs + tuning.startGraceMs : tuning.startGraceMs);
}

/**
 * The engine's clock may be wrong by hours in either direction, so its start time alone never prolongs the grace:
 * what has not passed for the whole of it by our own clock is past it.
 */
function isWithinGrace(container: Container, { graceMs, notPassingSinceMs, nowMs }: Grace): boolean {
  const byEngine = nowMs - (container.startedAtMs ?? container.createdAtMs) < graceMs;
  const byUs = notPassingSinceMs === null || nowMs - notPassingSinceMs < graceMs;
  return byEngine && byUs;
}
