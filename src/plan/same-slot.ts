import type { Counted } from "./stock.ts";

/**
 * Several containers of one slot, sorted out. `heal` makes such company itself: a replacement beside the unhealthy
 * instance it is meant for, one beside an instance whose host was lost and came back, a repeated start.
 * - Superseded is what a healthy one outlives: every other that is not healthy for good, is older, or is its double.
 * - Displaced is the older of two on one host: a slot has one registration id, and the newer one has taken it.
 */
export function sortOut(group: readonly Counted[], rememberedHost: string | null): readonly Counted[] {
  if (group.length < 2) return group;
  const winner = group.filter(({ condition }) => condition === "healthy").sort(byClaim(rememberedHost))[0];
  return group.map((one) => {
    if (winner !== undefined && isOutlived(one, winner)) return { ...one, superseded: true };
    return one.condition === "unregistered" && isDisplaced(one, group) ? { ...one, condition: "unhealthy" } : one;
  });
}

/** The container that counts for the slot, and the condition it is in; null when there is none. */
export function occupantOf(group: readonly Counted[]): Counted | null {
  let best: Counted | null = null;
  for (const one of group) if (best === null || precedes(one, best)) best = one;
  return best;
}

function isOutlived(one: Counted, winner: Counted): boolean {
  switch (one.condition) {
    case "ended":
    case "incomplete":
      return false;
    case "unhealthy":
      return true;
    case "healthy":
      return one !== winner;
    case "starting":
    case "unregistered":
    case "leaving":
    case "unknown":
      return generationOf(one) < generationOf(winner);
  }
}

/** The newest generation first; of doubles the one that Memory knows of. */
function byClaim(rememberedHost: string | null): (a: Counted, b: Counted) => number {
  const strangeness = (one: Counted): number => (one.instance.container.host === rememberedHost ? 0 : 1);
  return (a, b) =>
    generationOf(b) - generationOf(a) ||
    strangeness(a) - strangeness(b) ||
    (a.instance.container.id < b.instance.container.id ? -1 : 1);
}

function isDisplaced(one: Counted, group: readonly Counted[]): boolean {
  return group.some(
    (other) =>
      isLive(other) &&
      other.instance.container.host === one.instance.container.host &&
      generationOf(other) > generationOf(one),
  );
}

/** Runs, as far as can be told, and is not about to be stopped. */
export function isLive({ condition }: Counted): boolean {
  return (
    condition === "healthy" || condition === "starting" || condition === "unregistered" || condition === "unhealthy"
  );
}

const rank = {
  healthy: 0,
  unregistered: 1,
  starting: 2,
  unknown: 3,
  unhealthy: 4,
  leaving: 5,
  incomplete: 6,
  ended: 7,
} as const;

/** Whether it counts rather than the other one: by what condition they are in, then the newer. */
export function precedes(one: Counted, other: Counted): boolean {
  const difference = rank[one.condition] - rank[other.condition];
  return difference === 0 ? generationOf(one) > generationOf(other) : difference < 0;
}

export function generationOf({ instance }: Counted): number {
  return instance.container.generation ?? 0;
}
