import type { Instance } from "../model/instance.ts";
import type { InFlight, ServiceMemory } from "../model/memory.ts";
import type { ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import type { Condition } from "./condition.ts";
import { conditionOf, graceOf, isJudgedByConsul, isWithinGrace } from "./condition.ts";
import { patienceMs } from "./patience.ts";
import { isLive, sortOut } from "./same-slot.ts";
import { hiddenBeyondCount, slotsOf } from "./slots.ts";

/** An instance with its condition and its place among its like. */
export interface Counted {
  readonly instance: Instance;
  readonly condition: Condition;
  /** Since when it has not been passing, on our own clock; null while it passes. */
  readonly notPassingSinceMs: number | null;
  readonly withinGrace: boolean;
  /** Another instance of its slot is healthy in its place: `heal` itself made it superfluous. */
  readonly superseded: boolean;
}

/** One numbered place of the service, 1…count. Only an empty one may be filled. */
export interface Slot {
  readonly number: number;
  /** The container that counts for this slot, if any; an empty slot may still have one that has ended. */
  readonly occupant: Counted | null;
  readonly state: "healthy" | "starting" | "unhealthy" | "unknown" | "leaving" | "in-flight" | "empty";
}

/** Everything countable about a service. What is on a lost host is left out. */
export interface Stock {
  readonly judgedByConsul: boolean;
  readonly lostHosts: readonly string[];
  readonly counted: readonly Counted[];
  /** Those that are not simply healthy: what most rules are about, and mostly nobody. */
  readonly amiss: readonly Counted[];
  /** Those without a slot are kept under null. */
  readonly bySlot: ReadonlyMap<number | null, readonly Counted[]>;
  /** Only where `heal` itself starts the instances; Compose and Swarm number their own. */
  readonly slots: readonly Slot[];
  readonly healthy: number;
  /** Runs, and is not to be replaced yet: within its grace, or not listed in Consul. */
  readonly starting: number;
  readonly unhealthy: number;
  /** On hosts that do not answer: neither there nor gone. */
  readonly unknown: number;
  /** Starts that were written down and are not seen yet. */
  readonly inFlight: number;
  /** Started by hand, or left from a larger count: there instead of an empty slot. */
  readonly besides: number;
  /** Beyond the count, and not by `heal`'s own doing. */
  readonly surplus: number;
}

export interface Sight {
  readonly service: Service;
  readonly observed: ServiceObservation;
  readonly lostHosts: readonly string[];
  readonly memory: ServiceMemory;
  readonly tuning: Tuning;
  readonly nowMs: number;
}

/** Counts a service's instances and assigns them to its slots. */
export function takeStock(sight: Sight): Stock {
  const { service, observed, lostHosts, memory } = sight;
  const judgedByConsul = isJudgedByConsul(service, observed);
  const each = countEach(sight, judgedByConsul);
  const bySlot = groupBySlot(each, memory);
  const counted = bySlot.size === each.length ? each : [...bySlot.values()].flat();
  const amiss = counted.filter(({ condition, superseded }) => condition !== "healthy" || superseded);
  const binding = observed.binding.kind === "known" ? observed.binding.value : null;
  const slots = binding?.kind === "engine" ? slotsOf(bySlot, sight) : [];
  const sums = { judgedByConsul, lostHosts, counted, amiss, bySlot, slots, ...countAll(counted, memory) };
  switch (binding?.kind) {
    case "engine":
      return { ...sums, ...countSlots(sight, counted, slots, hiddenBeyondCount(bySlot, sight)) };
    case "swarm": {
      // Swarm's own word is what it works towards; more tasks than that are an update under way.
      const surplus = binding.mode === "global" ? 0 : Math.max(0, binding.replicas - service.count);
      return { ...sums, surplus };
    }
    default:
      return { ...sums, surplus: Math.max(0, counted.filter(isLive).length - service.count) };
  }
}

function countEach({ service, observed, lostHosts, memory, tuning, nowMs }: Sight, judgedByConsul: boolean): Counted[] {
  const graceMs = graceOf(service, tuning);
  const stopping = subjectsOf(memory, "stop");
  const there =
    lostHosts.length === 0
      ? observed.instances
      : observed.instances.filter(({ container }) => !lostHosts.includes(container.host));
  return there.map((instance): Counted => {
    const { id } = instance.container;
    const since = memory.notPassingSinceMs[id] ?? null;
    const circumstances = { judgedByConsul, graceMs, notPassingSinceMs: since, stopping: stopping.has(id), nowMs };
    const condition = conditionOf(service, instance, circumstances);
    const isHealthy = condition === "healthy";
    return {
      instance,
      condition,
      notPassingSinceMs: isHealthy ? null : (since ?? nowMs),
      withinGrace: !isHealthy && isWithinGrace(instance.container, circumstances),
      superseded: false,
    };
  });
}

const nobody: ReadonlySet<string> = new Set();

function subjectsOf({ inFlight }: ServiceMemory, kind: InFlight["kind"]): ReadonlySet<string> {
  if (inFlight.length === 0) return nobody;
  return new Set(inFlight.filter((entry) => entry.kind === kind).map(({ subject }) => subject));
}

function groupBySlot(counted: readonly Counted[], memory: ServiceMemory): Stock["bySlot"] {
  const groups = new Map<number | null, Counted[]>();
  for (const one of counted) {
    const { slot } = one.instance.container;
    const group = groups.get(slot);
    if (group === undefined) groups.set(slot, [one]);
    else group.push(one);
  }
  // Mostly every instance has a slot for itself.
  if (groups.size === counted.length) return groups;
  const sorted = [...groups].map(([slot, group]): [number | null, readonly Counted[]] => [
    slot,
    slot === null ? group : sortOut(group, memory.slots[slot]?.host ?? null),
  ]);
  return new Map(sorted);
}

function countAll(counted: readonly Counted[], memory: ServiceMemory) {
  const sums = { healthy: 0, starting: 0, unhealthy: 0, unknown: 0, inFlight: 0, besides: 0 };
  for (const { condition, superseded } of counted) {
    if (superseded) continue;
    if (condition === "healthy") sums.healthy += 1;
    else if (condition === "starting" || condition === "unregistered") sums.starting += 1;
    else if (condition === "unhealthy") sums.unhealthy += 1;
    else if (condition === "unknown") sums.unknown += 1;
  }
  for (const { kind } of memory.inFlight) if (kind === "start") sums.inFlight += 1;
  return sums;
}

/** What only slots can tell: who is there besides them, and so how many are too many. */
function countSlots(
  { service, memory, nowMs }: Sight,
  counted: readonly Counted[],
  slots: readonly Slot[],
  hiddenBeyond: number,
) {
  const { count } = service;
  const isOutside = (slot: number | null): boolean => slot === null || slot < 1 || slot > count;
  const outside = counted.filter((one) => !one.superseded && isOutside(one.instance.container.slot));
  let occupied = 0;
  let hiddenSlots = 0;
  for (const { state } of slots) {
    if (state !== "empty") occupied += 1;
    if (state === "unknown") hiddenSlots += 1;
  }
  const hidden = outside.filter(({ condition }) => condition === "unknown").length + hiddenBeyond;
  const onTheirWay = memory.inFlight.filter(({ kind, slot }) => kind === "start" && isOutside(slot)).length;
  // As in a slot: who fails a check for a moment is not given up at once.
  const isDue = (one: Counted): boolean =>
    nowMs - (one.notPassingSinceMs ?? nowMs) >= patienceMs(service, one.instance);
  const filling = outside.filter((one) => isLive(one) && (one.condition !== "unhealthy" || !isDue(one))).length;
  return {
    unknown: hiddenSlots + hidden,
    besides: filling + hidden + onTheirWay,
    surplus: Math.max(0, occupied + outside.filter(isLive).length - count),
  };
}
