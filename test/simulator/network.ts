/** How a packet from one machine to another fares. `drop`: silence until the caller gives up. `reject`: refused at once. */
export type Path = "open" | "drop" | "reject";

export interface Network {
  path(from: string, to: string): Path;
  /** Cuts a machine off from all others, or joins it again with `open`. What runs on it still reaches itself. */
  isolate(machine: string, how: Path): void;
  /** Cuts one pair, both ways. */
  cut(a: string, b: string, how: Path): void;
  healAll(): void;
  /** Calls back after every change: what waits for a way through looks again. */
  onChange(look: () => void): void;
}

export function network(): Network {
  const isolated = new Map<string, Path>();
  const pairs = new Map<string, Path>();
  const watchers: (() => void)[] = [];
  const changed = (): void => watchers.forEach((look) => look());

  const set = (map: Map<string, Path>, key: string, how: Path): void => {
    if (how === "open") map.delete(key);
    else map.set(key, how);
    changed();
  };

  return {
    path(from, to) {
      if (from === to || (isolated.size === 0 && pairs.size === 0)) return "open";
      return isolated.get(from) ?? isolated.get(to) ?? pairs.get(pairKey(from, to)) ?? "open";
    },
    isolate: (machine, how) => set(isolated, machine, how),
    cut: (a, b, how) => set(pairs, pairKey(a, b), how),
    healAll() {
      isolated.clear();
      pairs.clear();
      changed();
    },
    onChange: (look) => void watchers.push(look),
  };
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
