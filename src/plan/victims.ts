import type { Service } from "../model/service.ts";
import { isLive } from "./same-slot.ts";
import type { Situation } from "./situation.ts";
import type { Counted } from "./stock.ts";
import { isTakenOutByHand, mayBeMaster } from "./stop.ts";

/**
 * Who goes first when something must be stopped: outside the slots, old specification, unhealthy, not running well yet,
 * most crowded host, newest; a Redis master never. Follows the order in which Kubernetes' ReplicaSet ranks pods.
 */
export function victims(
  situation: Pick<Situation, "service" | "observed" | "stock">,
  howMany: number,
): readonly Counted[] {
  const { service } = situation;
  const live = situation.stock.counted.filter((one) => isLive(one) && !one.superseded);
  const crowd = new Map<string, number>();
  for (const { instance } of live) crowd.set(instance.container.host, (crowd.get(instance.container.host) ?? 0) + 1);
  const rest = live.filter((one) => !mayBeMaster(situation, one) && !isTakenOutByHand(one));
  const chosen: Counted[] = [];
  while (chosen.length < howMany) {
    const victim = firstToGo(rest, service, crowd);
    if (victim === null) break;
    chosen.push(victim);
    rest.splice(rest.indexOf(victim), 1);
    const { host } = victim.instance.container;
    crowd.set(host, (crowd.get(host) ?? 1) - 1);
  }
  return chosen;
}

function firstToGo(candidates: readonly Counted[], service: Service, crowd: ReadonlyMap<string, number>) {
  let first: { readonly one: Counted; readonly key: readonly number[] } | null = null;
  for (const one of candidates) {
    const key = keyOf(one, service, crowd);
    if (first === null || compare(key, first.key) < 0) first = { one, key };
  }
  return first?.one ?? null;
}

/** Smaller goes first. */
function keyOf({ instance, condition }: Counted, service: Service, crowd: ReadonlyMap<string, number>) {
  const { container } = instance;
  return [
    container.slot === null && service.container !== null ? 0 : 1,
    (container.slot ?? 0) > service.count ? 0 : 1,
    container.specHash !== service.specHash ? 0 : 1,
    condition === "unhealthy" ? 0 : 1,
    condition === "healthy" ? 1 : 0,
    -(crowd.get(container.host) ?? 0),
    -(container.startedAtMs ?? container.createdAtMs),
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, left] of a.entries()) {
    const difference = left - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
