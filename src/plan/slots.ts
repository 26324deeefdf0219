import type { ServiceMemory, SlotMemory } from "../model/memory.ts";
import { generationOf, occupantOf } from "./same-slot.ts";
import type { Counted, Sight, Slot, Stock } from "./stock.ts";

/** The slots 1…count, each with the container that counts for it. */
export function slotsOf(bySlot: Stock["bySlot"], sight: Sight): readonly Slot[] {
  const starts = sight.memory.inFlight.filter(({ kind }) => kind === "start");
  const inFlight = new Set(starts.map(({ slot }) => slot));
  const slots: Slot[] = [];
  for (let number = 1; number <= sight.service.count; number += 1) {
    slots.push(slotOf(number, bySlot.get(number) ?? none, inFlight.has(number), sight));
  }
  return slots;
}

const none: readonly Counted[] = [];

function slotOf(number: number, group: readonly Counted[], inFlight: boolean, sight: Sight): Slot {
  const occupant = occupantOf(group);
  switch (occupant?.condition) {
    case "healthy":
    case "starting":
    case "unhealthy":
    case "unknown":
    case "leaving":
      return { number, occupant, state: occupant.condition };
    case "unregistered":
      return { number, occupant, state: "starting" };
    case "incomplete":
    case "ended":
    case undefined:
      break;
  }
  if (inFlight) return { number, occupant, state: "in-flight" };
  const hidden = mayBeHidden(sight, occupant, sight.memory.slots[number]);
  return { number, occupant, state: hidden ? "unknown" : "empty" };
}

/**
 * Whether an instance of the slot may run where nobody can look now. Memory says where it was last; of a service that
 * was first met while a host was silent (see `rememberSlots`), it may be anywhere.
 */
function mayBeHidden(sight: Sight, occupant: Counted | null, remembered: SlotMemory | undefined): boolean {
  const { observed, memory } = sight;
  const isHidden = (host: string): boolean => isOutOfSight(sight, host);
  // Where an older one ran, it may be running still, whatever has become of the newer.
  if (remembered?.olderHost != null && isHidden(remembered.olderHost)) return true;
  const isAnywhere = remembered === undefined ? wasNeverSeen(memory) : remembered.generation === 0;
  if (remembered !== undefined && !isAnywhere) {
    // What is seen of an older generation says nothing of a newer one on a host that does not answer.
    const isUnseen = occupant === null || generationOf(occupant) < remembered.generation;
    return isUnseen && remembered.host !== null && isHidden(remembered.host);
  }
  return isAnywhere && Object.keys(observed.silentHosts).some(isHidden);
}

/** How many of a larger count were last seen where nobody can look now, and may be running there still. */
export function hiddenBeyondCount(bySlot: Stock["bySlot"], sight: Sight): number {
  let hidden = 0;
  for (const [key, { host, olderHost }] of Object.entries(sight.memory.slots)) {
    const number = Number(key);
    if (number <= sight.service.count || bySlot.has(number)) continue;
    if ([host, olderHost].some((place) => place !== null && isOutOfSight(sight, place))) hidden += 1;
  }
  return hidden;
}

function isOutOfSight({ observed, lostHosts }: Sight, host: string): boolean {
  return observed.silentHosts[host] !== undefined && !lostHosts.includes(host);
}

/** How many are listed is remembered from the first look on that could be trusted; none before that has met anybody. */
function wasNeverSeen({ registrations }: ServiceMemory): boolean {
  return registrations === null;
}
