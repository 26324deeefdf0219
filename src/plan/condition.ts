import type { Container, Instance, Registration } from "../model/instance.ts";
import { MAINTENANCE_MARK, META } from "../model/labels.ts";
import type { ServiceObservation } from "../model/observation.ts";
import { reachOf } from "../model/reach.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";

/**
 * How one instance stands:
 * - `healthy`: runs and passes;
 * - `starting`: runs, does not pass yet, and is within its grace;
 * - `unregistered`: runs, and Docker has nothing against it, but Consul does not list it, lists it wrongly, or keeps it in
 *   a maintenance that `heal` once began;
 * - `unhealthy`: runs, is past its grace and does not pass; or is paused, or taken out of service by a person;
 * - `leaving`: `heal` has begun to stop it;
 * - `incomplete`: was created and never started;
 * - `ended`: does not run any more;
 * - `unknown`: its host does not answer.
 */
export type Condition =
  | "healthy"
  | "starting"
  | "unregistered"
  | "unhealthy"
  | "leaving"
  | "incomplete"
  | "ended"
  | "unknown";

/** What the condition of one instance depends on, beside what was seen of it. */
export interface Circumstances {
  /** Whether the service's instances are held against Consul, or against Docker's word alone. */
  readonly judgedByConsul: boolean;
  readonly graceMs: number;
  /** Since when it has not been passing, on our own clock; null when that is first seen now. */
  readonly notPassingSinceMs: number | null;
  /** Whether a stop of it is in flight. */
  readonly stopping: boolean;
  readonly nowMs: number;
}

/** The condition of one instance. Docker is asked first: what it does not run cannot be healthy, whatever Consul says. */
export function conditionOf(service: Service, instance: Instance, circumstances: Circumstances): Condition {
  const { container, registration } = instance;
  if (!instance.current) return "unknown";
  switch (container.state) {
    case "created":
      return "incomplete";
    case "exited":
    case "dead":
    case "removing":
      return "ended";
    case "running":
    case "paused":
    case "restarting":
      break;
  }
  if (circumstances.stopping) return "leaving";
  if (container.state === "paused") return "unhealthy";
  const notPassing = isWithinGrace(container, circumstances) ? "starting" : "unhealthy";
  if (container.state === "restarting" || container.health === "starting" || container.health === "unhealthy") {
    return notPassing;
  }
  if (registration === null && circumstances.judgedByConsul) return "unregistered";
  if (isUnproven(service, instance, circumstances)) return isCrashLooping(circumstances) ? "unhealthy" : "starting";
  if (registration === null) return "healthy";
  if (isMisregistered(service, instance)) return "unregistered";
  // Our own maintenance belongs to a stop; without one in flight it is left over, and to be ended.
  if (registration.inMaintenance) return isOwnMaintenance(registration) ? "unregistered" : "unhealthy";
  return registration.nodeStatus === "critical" || registration.status === "critical" ? notPassing : "healthy";
}

/**
 * Whether an instance of this service must be listed in Consul: it is to be registered there; or somebody registers the
 * instances of an adopted one, or did so at the last look. Otherwise Docker's own health decides about one that is not.
 */
export function isJudgedByConsul(service: Service, observed: ServiceObservation): boolean {
  if (service.consul !== null) return true;
  if (service.container !== null) return false;
  return (
    (observed.registrationsBefore ?? 0) > 0 || observed.instances.some(({ registration }) => registration !== null)
  );
}

/** Whether `heal` itself has put it there. */
export function isOwnMaintenance({ maintenanceReason }: Registration): boolean {
  return maintenanceReason?.startsWith(MAINTENANCE_MARK) ?? false;
}

/** How long a started instance may take to pass. */
export function graceOf(service: Service, tuning: Tuning): number {
  const docker = service.container?.healthcheck;
  return service.health?.startGraceMs ?? (docker ? docker.startPeriodMs + tuning.startGraceMs : tuning.startGraceMs);
}

/**
 * Containers' times are the engine's own. The adapters put them on our clock, and nothing here lets a wrong one prolong
 * the grace: what has not passed for the whole of it by our own clock is past it.
 */
export function isWithinGrace(
  container: Container,
  { graceMs, notPassingSinceMs, nowMs }: Pick<Circumstances, "graceMs" | "notPassingSinceMs" | "nowMs">,
): boolean {
  const byEngine = nowMs - (container.startedAtMs ?? container.createdAtMs) < graceMs;
  const byUs = notPassingSinceMs === null || nowMs - notPassingSinceMs < graceMs;
  return byEngine && byUs;
}

/**
 * What nobody checks is known by its running alone, and one that the engine restarts again and again runs most of the
 * time. So after a crash it counts again only when it has run for its grace.
 */
function isUnproven(service: Service, { container, registration }: Instance, circumstances: Circumstances): boolean {
  const { notPassingSinceMs, graceMs, nowMs } = circumstances;
  const isChecked = container.health !== "none" || (registration !== null && !isOwnWithoutCheck(service, registration));
  if (isChecked || !container.restartsItself || notPassingSinceMs === null) return false;
  return nowMs - (container.startedAtMs ?? container.createdAtMs) < graceMs;
}

function isOwnWithoutCheck({ health }: Service, { meta }: Registration): boolean {
  return health === null && meta[META.container] !== undefined;
}

/** One crash is made good within a grace from the restart. Who has not managed that in two goes on crashing. */
function isCrashLooping({ notPassingSinceMs, graceMs, nowMs }: Circumstances): boolean {
  return nowMs - (notPassingSinceMs ?? nowMs) >= 2 * graceMs;
}

/**
 * Whether our own registration sends clients to where the instance is not: Docker gave it another port or address when
 * it started again. One of another specification may rightly be reached elsewhere than the template says, but not at a
 * port that it does not have.
 */
function isMisregistered(service: Service, { container, registration }: Instance): boolean {
  if (service.consul === null || registration?.meta[META.container] !== container.name) return false;
  const { address, port } = reachOf(service, container);
  const isElsewhere = registration.port !== port || (address !== null && registration.address !== address);
  if (!isElsewhere || container.specHash === service.specHash) return isElsewhere;
  const publishes = (wanted: number): boolean => container.ports.some(({ host }) => host === wanted);
  return publishes(port) && !publishes(registration.port) && registration.address !== container.address;
}
