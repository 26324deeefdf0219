import type { ServiceMemory } from "../model/memory.ts";
import type { ServiceObservation } from "../model/observation.ts";
import type { Standing } from "../model/plan.ts";
import type { Service } from "../model/service.ts";
import type { Status } from "../model/status.ts";
import { CRITICAL, PASSING, UNKNOWN, WARNING } from "../model/status.ts";
import type { Stock } from "./stock.ts";
import type { TrustVerdict } from "./trust.ts";

/** How the service stands: the numbers, the status they add up to, and one line that says so. */
export function standingOf(
  service: Service,
  observed: ServiceObservation,
  stock: Stock,
  trust: TrustVerdict,
  memory: ServiceMemory,
  nowMs: number,
): Standing {
  let quarantined = 0;
  let backingOff = 0;
  for (const { quarantinedAtMs, backOff, healthySinceMs } of Object.values(memory.slots)) {
    if (quarantinedAtMs !== null) quarantined += 1;
    if (backOff !== null && backOff.untilMs > nowMs && healthySinceMs === null) backingOff += 1;
  }
  const numbers = {
    desired: service.count,
    healthy: stock.healthy,
    starting: stock.starting + stock.inFlight,
    unhealthy: stock.unhealthy,
    unknown: stock.unknown,
    surplus: stock.surplus,
    quarantined,
    backingOff,
  };
  const foreign = foreignOf(service, observed);
  const unlisted = unlistedOf(stock);
  const status = statusOf(numbers, trust, foreign, unlisted);
  return {
    service: service.name,
    status,
    trust: trust.trust,
    trustReason: trust.reason,
    runtime: observed.binding.kind === "known" ? observed.binding.value.kind : (service.runtime ?? "none"),
    ...numbers,
    summary: summaryOf(numbers, trust, foreign, unlisted),
  };
}

type Numbers = Pick<
  Standing,
  "desired" | "healthy" | "starting" | "unhealthy" | "unknown" | "surplus" | "quarantined" | "backingOff"
>;

/** Somebody else under the name that `heal` registers; an adopted service's name was theirs all along. */
function foreignOf(service: Service, { registry }: ServiceObservation): number {
  return service.consul !== null && registry.kind === "known" ? registry.value.foreign.length : 0;
}

/** Docker runs them and Consul, which should list them by now, does not: one of the two is not to be believed. */
function unlistedOf({ amiss }: Stock): number {
  return amiss.filter(
    ({ instance, condition, superseded, withinGrace }) =>
      condition === "unregistered" && instance.registration === null && !superseded && !withinGrace,
  ).length;
}

function statusOf(numbers: Numbers, { trust }: TrustVerdict, foreign: number, unlisted: number): Status {
  if (trust === "blind") return UNKNOWN;
  const missing = numbers.desired - numbers.healthy;
  if (missing > 0) return trust === "suspect" || numbers.unknown + unlisted >= missing ? UNKNOWN : CRITICAL;
  const isDegraded = numbers.surplus > 0 || numbers.quarantined > 0 || numbers.unhealthy > 0;
  return isDegraded || foreign > 0 || trust === "suspect" ? WARNING : PASSING;
}

function summaryOf(numbers: Numbers, { trust, reason }: TrustVerdict, foreign: number, unlisted: number): string {
  if (trust === "blind") return `cannot tell: ${reason}`;
  const missing = numbers.desired - numbers.healthy - numbers.starting - numbers.unhealthy - numbers.unknown;
  const starting = numbers.starting - unlisted;
  const parts = [
    missing > 0 ? `${missing} missing` : "",
    starting > 0 && numbers.healthy < numbers.desired ? `${starting} starting` : "",
    unlisted > 0 ? `${unlisted} running and not listed in Consul` : "",
    numbers.unhealthy > 0 ? `${numbers.unhealthy} unhealthy` : "",
    numbers.unknown > 0 ? `${numbers.unknown} unknown` : "",
    numbers.surplus > 0 ? `${numbers.surplus} more than asked for` : "",
    numbers.quarantined > 0 ? `${numbers.quarantined} in quarantine` : "",
    foreign > 0 ? `${foreign} registered by somebody else` : "",
    trust === "suspect" ? `not sure: ${reason}` : "",
  ].filter((part) => part !== "");
  const head = `${numbers.healthy}/${numbers.desired} healthy`;
  return parts.length === 0 ? head : `${head}: ${parts.join(", ")}`;
}
