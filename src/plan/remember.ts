import type { InFlight, ServiceMemory, SlotMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { Service } from "../model/service.ts";
import type { ServiceObservation } from "../model/observation.ts";
import type { Tuning } from "../model/tuning.ts";
import { forgetFailures } from "./back-off.ts";
import type { TrustVerdict } from "./trust.ts";
import type { Counted, Stock } from "./stock.ts";

/**
 * What a look at the service changes in its memory: actions seen to have taken effect are not in flight any more,
 * healthy slots forget their failures in time, and what has vanished is not remembered for ever.
 */
export function rememberSeen(
  memory: ServiceMemory,
  service: Service,
  observed: ServiceObservation,
  stock: Stock,
  trust: TrustVerdict,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  if (trust.trust === "blind") return memory;
  const slots = rememberSlots(memory, service, stock, tuning, nowMs);
  const binding =
    observed.binding.kind === "known" && observed.binding.value.kind !== "none" ? observed.binding.value : null;
  return {
    ...memory,
    slots,
    inFlight: memory.inFlight.filter((entry) => isStillInFlight(entry, observed, stock.lostHosts, nowMs)),
    notPassingSinceMs: Object.fromEntries(
      stock.counted
        .filter(({ condition }) => condition === "starting" || condition === "unhealthy")
        .map(({ instance, notPassingSinceMs }) => [instance.container.id, notPassingSinceMs ?? nowMs]),
    ),
    surplusSinceMs: stock.surplus > 0 ? (memory.surplusSinceMs ?? nowMs) : null,
    registrations:
      trust.trust === "trusted"
        ? stock.counted.filter(({ instance }) => instance.registration !== null).length
        : memory.registrations,
    // The engine's own binding is plain from the desired state; only an adopted one needs remembering.
    binding: binding === null || binding.kind === "engine" ? memory.binding : withoutVersion(binding, memory),
    pause:
      memory.pause !== null && memory.pause.untilMs !== null && nowMs >= memory.pause.untilMs ? null : memory.pause,
  };
}

/** A Swarm version index moves with every touch; remembering it would write Memory for nothing. */
function withoutVersion(
  binding: NonNullable<ServiceMemory["binding"]>,
  memory: ServiceMemory,
): ServiceMemory["binding"] {
  return binding.kind === "swarm" ? (memory.binding ?? { ...binding, version: 0, updating: false }) : binding;
}

function rememberSlots(
  memory: ServiceMemory,
  service: Service,
  stock: Stock,
  tuning: Tuning,
  nowMs: number,
): Readonly<Record<number, SlotMemory>> {
  const slots: Record<number, SlotMemory> = {};
  const seen = newestPerSlot(stock.counted);
  const numbers = new Set([...Object.keys(memory.slots).map(Number), ...seen.keys()]);
  for (const number of numbers) {
    const before = memory.slots[number] ?? noSlotMemory;
    const newest = seen.get(number);
    if (number > service.count && newest === undefined) continue;
    slots[number] = newest === undefined ? before : rememberSlot(before, newest, tuning, nowMs);
  }
  return slots;
}

function rememberSlot(before: SlotMemory, newest: Counted, tuning: Tuning, nowMs: number): SlotMemory {
  const { container } = newest.instance;
  const generation = container.generation ?? 0;
  if (generation < before.generation) return before;
  const healthySinceMs = newest.condition === "healthy" ? (before.healthySinceMs ?? nowMs) : null;
  // A container that was created and never started does not confirm its generation: the start is to be repeated.
  const confirmed = newest.condition !== "incomplete";
  const after: SlotMemory = {
    ...before,
    generation,
    confirmed,
    host: container.host,
    specHash: container.specHash,
    healthySinceMs,
  };
  return forgetFailures(after, nowMs, tuning);
}

function newestPerSlot(counted: readonly Counted[]): ReadonlyMap<number, Counted> {
  const newest = new Map<number, Counted>();
  for (const one of counted) {
    const { slot, generation } = one.instance.container;
    if (slot === null || generation === null || one.condition === "unknown") continue;
    const rival = newest.get(slot);
    if (rival === undefined || (rival.instance.container.generation ?? 0) < generation) newest.set(slot, one);
  }
  return newest;
}

/**
 * A start is over once its container is seen, a stop once it is not, a scaling after its time. An expired entry is
 * dropped only by a fresh look in which its own host answered, or with its host: until then it may yet appear.
 */
function isStillInFlight(
  entry: InFlight,
  observed: ServiceObservation,
  lostHosts: readonly string[],
  nowMs: number,
): boolean {
  const expired = nowMs >= entry.expiresAtMs;
  switch (entry.kind) {
    case "start": {
      const there = observed.instances.some(
        ({ container, current }) =>
          current &&
          container.slot === entry.slot &&
          container.generation === entry.generation &&
          (container.state !== "created" || expired),
      );
      const host = entry.host ?? "";
      const looked = observed.freshRuntime && observed.silentHosts[host] === undefined;
      return !there && !(expired && (looked || lostHosts.includes(host)));
    }
    case "stop": {
      const there = observed.instances.some(({ container }) => container.id === entry.subject);
      return there && !expired;
    }
    case "scale": {
      const binding = observed.binding.kind === "known" ? observed.binding.value : null;
      const reached = binding?.kind === "swarm" && entry.slot !== null && binding.replicas === entry.slot;
      return !reached && !expired;
    }
  }
}
