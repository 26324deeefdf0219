import type { ServiceMemory, SlotMemory } from "../model/memory.ts";
import { noSlotMemory } from "../model/memory.ts";
import type { ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import { afterFailure, afterStart, forgetFailures } from "./back-off.ts";
import { generationOf, isLive, precedes } from "./same-slot.ts";
import type { Counted, Stock } from "./stock.ts";
import { sameEntries, withChanges } from "./with-changes.ts";

/**
 * Compose and Swarm number their instances themselves. What is remembered of replacing them (back-off, quarantine) is
 * kept for all of them together, in the place of a slot that no instance has.
 */
export const ADOPTED_SLOT = 0;

/** What a look changes in the memory of the slots; the same object when it is nothing. */
export function rememberSlots(
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
    keep(number, rememberSlot(kept(number) ?? noSlotMemory, witness, stock, tuning, nowMs));
  }
  // A slot of which nothing is known but that it may be hidden: kept in mind as such until all hosts have answered.
  for (const { number, state } of stock.slots) {
    const before = memory.slots[number];
    if (state === "unknown" && (before ?? noSlotMemory).generation === 0) keep(number, before ?? noSlotMemory);
    else if (kept(number)?.generation === 0) keep(number, null);
    if (!stock.bySlot.has(number)) keep(number, withoutGoneOlder(kept(number) ?? null, observed));
  }
  // One beyond a lowered count is forgotten once nothing can be left of it.
  for (const key in memory.slots) {
    const number = Number(key);
    const { host, olderHost } = memory.slots[number] ?? noSlotMemory;
    const mayReturn = isSilent(host, observed) || isSilent(olderHost, observed);
    if (number > service.count && !stock.bySlot.has(number) && !mayReturn) keep(number, null);
  }
  const adopted = memory.slots[ADOPTED_SLOT];
  if (adopted !== undefined && stock.slots.length === 0) {
    const healthySinceMs = stock.healthy >= service.count ? (adopted.healthySinceMs ?? nowMs) : null;
    keep(ADOPTED_SLOT, forgetFailures(withChanges(adopted, { healthySinceMs }), nowMs, tuning));
  }
  return edited === null || sameEntries(memory.slots, edited) ? memory.slots : edited;
}

function isSilent(host: string | null, { silentHosts }: ServiceObservation): boolean {
  return host !== null && silentHosts[host] !== undefined;
}

/** Nothing of the slot is seen: what ran where everything can be seen is gone. */
function withoutGoneOlder(slot: SlotMemory | null, observed: ServiceObservation): SlotMemory | null {
  if (slot === null || slot.olderHost === null || isSilent(slot.olderHost, observed)) return slot;
  return { ...slot, olderHost: null };
}

function rememberSlot(before: SlotMemory, newest: Counted, stock: Stock, tuning: Tuning, nowMs: number): SlotMemory {
  const { container } = newest.instance;
  const healthySinceMs = newest.condition === "healthy" ? (before.healthySinceMs ?? nowMs) : null;
  // An older instance than the last one that was meant to be: it may be well, but it says nothing of that one.
  const isOlder = generationOf(newest) < before.generation;
  // One that was created and never started does not confirm its generation: that start is to be repeated.
  const confirmed = newest.condition !== "incomplete";
  const isNews = confirmed && !before.confirmed && !isOlder;
  const counted = answersUncounted(before, newest, stock) ? withFailure(before, tuning, nowMs) : before;
  const known = isNews ? afterStart(counted, Math.min(nowMs, container.createdAtMs)) : counted;
  const after = isOlder
    ? withChanges(before, { healthySinceMs, olderHost: isLive(newest) ? container.host : null })
    : withChanges(known, {
        generation: generationOf(newest),
        confirmed,
        host: container.host,
        olderHost: null,
        specHash: container.specHash,
        healthySinceMs,
      });
  return forgetFailures(after, nowMs, tuning);
}

/**
 * Created in answer to a failure while Memory refused to take what was meant: the failure has not been counted, and the
 * repeated start, under the same name, will not count it.
 */
function answersUncounted(
  { confirmed, generation, host, specHash }: SlotMemory,
  newest: Counted,
  stock: Stock,
): boolean {
  if (newest.condition !== "incomplete" || !confirmed || generation === 0) return false;
  if (host !== null && stock.lostHosts.includes(host)) return false;
  return generationOf(newest) > generation && newest.instance.container.specHash === specHash;
}

/** The failure moves the next back-off on; what it answers may be repeated as soon as it might have been. */
function withFailure(before: SlotMemory, tuning: Tuning, nowMs: number): SlotMemory {
  const after = afterFailure(before, nowMs, tuning, "it ended while Memory could not be written");
  if (after.quarantinedAtMs !== null || after.backOff === null) return after;
  return { ...after, backOff: { ...after.backOff, untilMs: before.backOff?.untilMs ?? nowMs } };
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
