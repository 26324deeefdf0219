import type { DesiredState } from "../model/service.ts";

/** What follows from the desired state alone, worked out once for each state instead of once for each event. */
export function derived<T>(desired: () => DesiredState, make: (desired: DesiredState) => T): () => T {
  let made: { readonly from: DesiredState; readonly value: T } | null = null;
  return () => {
    const from = desired();
    if (made?.from !== from) made = { from, value: make(from) };
    return made.value;
  };
}

/** Names of services by any of the keys that each of them has. */
export function servicesBy<Key>(
  { services }: DesiredState,
  keysOf: (service: DesiredState["services"][string]) => readonly Key[],
): ReadonlyMap<Key, readonly string[]> {
  const index = new Map<Key, string[]>();
  for (const service of Object.values(services)) {
    for (const key of keysOf(service)) {
      const found = index.get(key);
      if (found === undefined) index.set(key, [service.name]);
      else found.push(service.name);
    }
  }
  return index;
}
