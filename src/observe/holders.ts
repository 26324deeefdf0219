import type { OwnerKey } from "./ownership.ts";

/** Which hosts hold containers under a key: with many hosts, asking each of them costs more than all the rest of a look. */
export interface Holders {
  note(host: string, key: OwnerKey, holds: boolean): void;
  of(key: OwnerKey): ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();

export function openHolders(): Holders {
  const byKey = new Map<OwnerKey, Set<string>>();
  return {
    note(host, key, holds) {
      const hosts = byKey.get(key);
      if (holds) {
        if (hosts === undefined) byKey.set(key, new Set([host]));
        else hosts.add(host);
      } else if (hosts?.delete(host) === true && hosts.size === 0) byKey.delete(key);
    },
    of: (key) => byKey.get(key) ?? nobody,
  };
}
