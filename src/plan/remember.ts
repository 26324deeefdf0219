import type { Binding, ServiceObservation } from "../model/observation.ts";
import type { ServiceMemory, SlotMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import { forgetFailures } from "./back-off.ts";
import type { Counted, Stock } from "./stock.ts";
import { generationOf, precedes } from "./same-slot.ts";
import type { TrustVerdict } from "./trust.ts";

/**
 * Compose and Swarm number their instances themselves. What is remembered of replacing them (back-off, quarantine) is
 * kept for all of them together, in the place of a slot that no instance has.
 */
export const ADOPTED_SLOT = 0;

/**
 * What a look at the service changes in its memory: healthy slots forget their failures in time, and what has vanished
 * is not remembered for ever. Gives back the same object when nothing has changed, so that nothing is written.
 */
export function rememberSeen(
  memory: ServiceMemory,
  service: Service,
  observed: ServiceObservation,
  stock: Stock,
  { trust }: TrustVerdict,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  if (trust === "blind") return memory;
  const { pause } = memory;
  return withChanges(memory, {
    slots: rememberSlots(memory, service, observed, stock, tuning, nowMs),
    notPassingSinceMs: rememberNotPassing(memory, stock),
    surplusSinceMs: stock.surplus > 0 ? (memory.surplusSinceMs ?? nowMs) : null,
    registrations: trust === "trusted" ? countRegistered(stock) : memory.registrations,
    binding: rememberBinding(memory.binding, observed),
    pause: pause?.untilMs != null && nowMs >= pause.untilMs ? null : pause,
  });
}

function rememberSlots(
  memory: ServiceMemory,
  service: Service,
  observed: ServiceObservation,
  stock: Stock,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory["slots"] {
  let edited: Record<number, SlotMemory> | null = null;
  const kept = (number: number): SlotMemory | undefined => (edited ?? memory.slots)[number];
  const keep = (number: number, after: SlotMemory | null): void => {
    if ((kept(number) ?? null) === after) return;
    edited ??= { ...memory.slots };
    if (after === null) delete edited[number];
    else edited[number] = after;
  };
  for (const [number, group] of stock.bySlot) {
    const witness = number === null || number < 1 ? null : witnessOf(group);
    if (number === null || witness === null || witness.condition === "unknown") continue;
    keep(number, rememberSlot(kept(number) ?? noSlotMemory, witness, tuning, nowMs));
  }
  // A slot of which nothing is known but that it may be hidden: kept in mind as such until all hosts have answered.
  for (const { number, state } of stock.slots) {
    const before = memory.slots[number];
    if (state === "unknown" && (before ?? noSlotMemory).generation === 0) keep(number, before ?? noSlotMemory);
    else if (kept(number)?.generation === 0) keep(number, null);
  }
  // One beyond a lowered count is forgotten once nothing can be left of it.
  for (const key in memory.slots) {
    const number = Number(key);
    const host = memory.slots[number]?.host ?? null;
    const mayReturn = host !== null && observed.silentHosts[host] !== undefined;
    if (number > service.count && !stock.bySlot.has(number) && !mayReturn) keep(number, null);
  }
  const adopted = memory.slots[ADOPTED_SLOT];
  if (adopted !== undefined && stock.slots.length === 0) {
    const healthySinceMs = stock.healthy >= service.count ? (adopted.healthySinceMs ?? nowMs) : null;
    keep(ADOPTED_SLOT, forgetFailures(withChanges(adopted, { healthySinceMs }), nowMs, tuning));
  }
  return edited === null || sameEntries(memory.slots, edited) ? memory.slots : edited;
}

function rememberSlot(before: SlotMemory, newest: Counted, tuning: Tuning, nowMs: number): SlotMemory {
  const { container } = newest.instance;
  const healthySinceMs = newest.condition === "healthy" ? (before.healthySinceMs ?? nowMs) : null;
  // An older instance than the last one that was meant to be: it may be well, but it says nothing of that one.
  const isOlder = generationOf(newest) < before.generation;
  const after = isOlder
    ? withChanges(before, { healthySinceMs })
    : withChanges(before, {
        generation: generationOf(newest),
        // One that was created and never started does not confirm its generation: that start is to be repeated.
        confirmed: newest.condition !== "incomplete",
        host: container.host,
        specHash: container.specHash,
        healthySinceMs,
      });
  return forgetFailures(after, nowMs, tuning);
}

/** The one that tells most of its slot: the newest of those that are seen. */
function witnessOf(group: readonly Counted[]): Counted | null {
  let best: Counted | null = null;
  for (const one of group) {
    if (one.instance.container.generation === null) continue;
    if (best === null || isBetterWitness(one, best)) best = one;
  }
  return best;
}

/** What is seen speaks before what is not; of doubles on two hosts the one that counts. */
function isBetterWitness(one: Counted, rival: Counted): boolean {
  if ((one.condition === "unknown") !== (rival.condition === "unknown")) return rival.condition === "unknown";
  if (generationOf(one) !== generationOf(rival)) return generationOf(one) > generationOf(rival);
  return rival.superseded || (!one.superseded && precedes(one, rival));
}

function rememberNotPassing(memory: ServiceMemory, { amiss }: Stock): ServiceMemory["notPassingSinceMs"] {
  const since: Record<string, number> = {};
  for (const { condition, instance, notPassingSinceMs } of amiss) {
    const { id } = instance.container;
    switch (condition) {
      case "starting":
      case "unregistered":
      case "unhealthy":
      case "leaving":
        if (notPassingSinceMs !== null) since[id] = notPassingSinceMs;
        break;
      case "unknown": {
        const before = memory.notPassingSinceMs[id];
        if (before !== undefined) since[id] = before;
        break;
      }
      case "healthy":
      case "incomplete":
      case "ended":
        break;
    }
  }
  return sameEntries(memory.notPassingSinceMs, since) ? memory.notPassingSinceMs : since;
}

function countRegistered({ counted }: Stock): number {
  return counted.filter(({ instance }) => instance.registration !== null).length;
}

/** An engine's own binding is plain from the desired state; only an adopted one needs remembering. */
function rememberBinding(before: Binding | null, { binding }: ServiceObservation): Binding | null {
  if (binding.kind === "unknown") return before;
  switch (binding.value.kind) {
    case "engine":
    case "none":
      return before;
    case "swarm":
    case "compose": {
      // Swarm's version and replicas move with every touch; remembered, they would be written for nothing.
      const found =
        binding.value.kind === "swarm" ? { ...binding.value, version: 0, replicas: 0, updating: false } : binding.value;
      return JSON.stringify(found) === JSON.stringify(before) ? before : found;
    }
  }
}

function withChanges<T extends object>(before: T, changes: Partial<T>): T {
  const keys = Object.keys(changes) as (keyof T)[];
  return keys.every((key) => before[key] === changes[key]) ? before : { ...before, ...changes };
}

function sameEntries(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every((key) => Object.hasOwn(a, key) && a[key] === b[key]);
}
