import type { Service } from "../model/service.ts";
import type { Counted } from "./stock.ts";

/**
 * Who goes first when something must be stopped: outside the slots, old specification, unhealthy, most crowded host,
 * newest; a Redis master never. Follows the order in which Kubernetes' ReplicaSet ranks pods for deletion.
 */
export function victims(counted: readonly Counted[], service: Service, howMany: number): readonly Counted[] {
  const live = counted.filter(
    ({ condition, superseded }) =>
      !superseded &&
      (condition === "healthy" ||
        condition === "starting" ||
        condition === "unregistered" ||
        condition === "unhealthy"),
  );
  const crowd = new Map<string, number>();
  for (const { instance } of live) crowd.set(instance.container.host, (crowd.get(instance.container.host) ?? 0) + 1);
  const masterTag = service.redis?.masterTag;
  const chosen: Counted[] = [];
  const rest = live.filter(
    ({ instance }) => masterTag === undefined || !instance.registration?.tags.includes(masterTag),
  );
  while (chosen.length < howMany && rest.length > 0) {
    rest.sort((a, b) => compare(keyOf(a, service, crowd), keyOf(b, service, crowd)));
    const victim = rest.shift();
    if (victim === undefined) break;
    chosen.push(victim);
    const host = victim.instance.container.host;
    crowd.set(host, (crowd.get(host) ?? 1) - 1);
  }
  return chosen;
}

/** Smaller goes first. */
function keyOf(
  { instance, condition }: Counted,
  service: Service,
  crowd: ReadonlyMap<string, number>,
): readonly number[] {
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
