import type { OwnerKey } from "./ownership.ts";

/** Which hosts hold containers under a key: with many hosts, asking each of them costs more than all the rest of a look. */
export interface Holders<Host> {
  /** In the order of the settings. */
  of(key: OwnerKey): readonly Host[];
}

export interface NotedHolders<Host> extends Holders<Host> {
  /** `position`: the host's place in the settings. */
  note(host: Host, position: number, key: OwnerKey, holds: boolean): void;
}

export function openHolders<Host>(): NotedHolders<Host> {
  const byKey = new Map<OwnerKey, { readonly positions: number[]; readonly hosts: Host[] }>();
  return {
    note(host, position, key, holds) {
      const there = byKey.get(key) ?? { positions: [], hosts: [] };
      const after = there.positions.findIndex((one) => one >= position);
      const at = after === -1 ? there.positions.length : after;
      const isThere = there.positions[at] === position;
      if (holds === isThere) return;
      if (holds) {
        there.positions.splice(at, 0, position);
        there.hosts.splice(at, 0, host);
        byKey.set(key, there);
      } else {
        there.positions.splice(at, 1);
        there.hosts.splice(at, 1);
        if (there.hosts.length === 0) byKey.delete(key);
      }
    },
    of: (key) => byKey.get(key)?.hosts ?? [],
  };
}
