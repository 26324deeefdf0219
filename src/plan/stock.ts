import type { Instance } from "../model/instance.ts";
import type { ServiceMemory } from "../model/memory.ts";
import type { HostObservation, ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import type { Condition } from "./condition.ts";
import { conditionOf, graceOf, isJudgedByConsul, isSucceeded } from "./condition.ts";
import { isLost } from "./lost-host.ts";

/** An instance with its condition and its place among its like. */
export interface Counted {
  readonly instance: Instance;
  readonly condition: Condition;
  /** Since when it has not been passing; null while it passes. */
  readonly notPassingSinceMs: number | null;
  /** A newer generation of the same slot is there to take its place. */
  readonly superseded: boolean;
}

/** One numbered place of the service, 1…count. */
export interface Slot {
  readonly number: number;
  /** The instance that counts for this slot, if any. */
  readonly occupant: Counted | null;
  readonly state: "healthy" | "starting" | "unhealthy" | "unknown" | "in-flight" | "empty";
}

/** Everything countable about a service: the slots, and what is there beyond them. */
export interface Stock {
  readonly judgedByConsul: boolean;
  readonly counted: readonly Counted[];
  readonly slots: readonly Slot[];
  /** Instances on hosts that are lost: gone, until the host is back. */
  readonly lostHosts: readonly string[];
  readonly healthy: number;
  readonly starting: number;
  readonly unhealthy: number;
  readonly unknown: number;
  readonly inFlight: number;
  /** Live instances beyond the count that `heal` did not make superfluous itself. */
  readonly surplus: number;
}

/** Counts a service's instances and assigns them to its slots. */
export function takeStock(
  service: Service,
  observed: ServiceObservation,
  hosts: Readonly<Record<string, HostObservation>>,
  memory: ServiceMemory,
  tuning: Tuning,
  nowMs: number,
): Stock {
  const judgedByConsul = isJudgedByConsul(service, observed);
  const lostHosts = Object.keys(observed.silentHosts).filter((name) => {
    const host = hosts[name];
    return host !== undefined && isLost(host, service.healing.lostAfterMs, nowMs);
  });
  const graceMs = graceOf(service, tuning);
  const conditions = observed.instances
    .filter((instance) => !lostHosts.includes(instance.container.host))
    .map((instance) => {
      const since = memory.notPassingSinceMs[instance.container.id] ?? null;
      const own = conditionOf(instance, judgedByConsul, { graceMs, notPassingSinceMs: since, nowMs });
      const condition = own === "unregistered" && isSucceeded(instance, observed.instances) ? "leaving" : own;
      return { instance, condition, notPassingSinceMs: condition === "healthy" ? null : (since ?? nowMs) };
    });
  const counted = conditions.map((one) => ({ ...one, superseded: isSuperseded(one, conditions) }));
  const slots =
    observed.binding.kind === "known" && observed.binding.value.kind === "engine"
      ? Array.from({ length: service.count }, (_, index) =>
          slotOf(index + 1, counted, memory, observed.silentHosts, lostHosts),
        )
      : [];
  return { judgedByConsul, counted, slots, lostHosts, ...sums(service, counted, slots, memory) };
}

type Conditioned = Omit<Counted, "superseded">;

/**
 * Live instances whose slot is served by another: an older generation beside a healthy newer one, or an unhealthy one
 * beside any healthy one. `heal` made these superfluous itself, so it may remove them.
 */
function isSuperseded(one: Conditioned, all: readonly Conditioned[]): boolean {
  const { slot, generation } = one.instance.container;
  if (slot === null || generation === null || one.condition === "ended" || one.condition === "incomplete") return false;
  return all.some(
    ({ condition, instance }) =>
      condition === "healthy" &&
      instance.container.slot === slot &&
      instance.container.id !== one.instance.container.id &&
      ((instance.container.generation ?? 0) > generation || one.condition === "unhealthy"),
  );
}

const rank: Readonly<Record<Condition, number>> = {
  healthy: 0,
  unregistered: 1,
  starting: 2,
  unknown: 3,
  unhealthy: 4,
  leaving: 5,
  incomplete: 6,
  ended: 7,
};

function slotOf(
  number: number,
  counted: readonly Counted[],
  memory: ServiceMemory,
  silentHosts: Readonly<Record<string, string>>,
  lostHosts: readonly string[],
): Slot {
  const own = counted
    .filter(({ instance }) => instance.container.slot === number)
    .sort(
      (a, b) =>
        rank[a.condition] - rank[b.condition] ||
        (b.instance.container.generation ?? 0) - (a.instance.container.generation ?? 0),
    );
  const occupant = own[0] ?? null;
  const inFlight = memory.inFlight.some((entry) => entry.kind === "start" && entry.slot === number);
  switch (occupant?.condition) {
    case "healthy":
      return { number, occupant, state: "healthy" };
    case "unregistered":
    case "starting":
      return { number, occupant, state: "starting" };
    case "unknown":
      return { number, occupant, state: "unknown" };
    case "unhealthy":
      return { number, occupant, state: "unhealthy" };
    case "leaving":
    case "incomplete":
    case "ended":
    case undefined:
      break;
  }
  if (inFlight) return { number, occupant, state: "in-flight" };
  const remembered = memory.slots[number];
  const rememberedHost = remembered?.host ?? null;
  // What is seen of an older generation says nothing of a newer one on a host that does not answer.
  const unseen = occupant === null || (occupant.instance.container.generation ?? 0) < (remembered?.generation ?? 0);
  const mayBeThere =
    rememberedHost === null
      ? Object.keys(silentHosts).some((host) => !lostHosts.includes(host)) && remembered === undefined
      : silentHosts[rememberedHost] !== undefined && !lostHosts.includes(rememberedHost) && unseen;
  return { number, occupant, state: mayBeThere ? "unknown" : "empty" };
}

function sums(service: Service, counted: readonly Counted[], slots: readonly Slot[], memory: ServiceMemory) {
  const live = counted.filter((one) => !one.superseded);
  const of = (...conditions: Condition[]) => live.filter(({ condition }) => conditions.includes(condition)).length;
  const healthy = of("healthy");
  const starting = of("starting", "unregistered");
  const emptyUnknown = slots.filter((slot) => slot.state === "unknown" && slot.occupant === null).length;
  return {
    healthy,
    starting,
    unhealthy: of("unhealthy"),
    unknown: of("unknown") + emptyUnknown,
    inFlight: memory.inFlight.filter((entry) => entry.kind === "start").length,
    surplus: Math.max(0, healthy + starting + beyond(live, service.count) - service.count),
  };
}

/** Unhealthy instances outside the slots are surplus too: nobody asked for them and nothing replaces them. */
function beyond(live: readonly Counted[], count: number): number {
  return live.filter(
    ({ condition, instance }) =>
      condition === "unhealthy" && instance.container.slot !== null && instance.container.slot > count,
  ).length;
}
