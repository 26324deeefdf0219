import { drawFaults } from "./faults.ts";
import type { FaultEvent } from "./faults.ts";
import { runSeed, STORM_MS } from "./run-seed.ts";
import type { SeedOptions } from "./run-seed.ts";
import type { Violation } from "./safety.ts";

export interface Shrunk {
  readonly faults: readonly FaultEvent[];
  readonly violation: Violation;
  readonly runs: number;
}

/**
 * Leaves out faults as long as the same invariant breaks: halves first, then quarters, down to single ones (delta
 * debugging, Zeller 1999). Gives null when the seed breaks nothing. At most `runsMax` plays.
 */
export function shrink(seed: number, runsMax: number, options: SeedOptions = {}): Shrunk | null {
  let runs = 0;
  const breaks = (faults: readonly FaultEvent[]): Violation | null => {
    runs += 1;
    return runSeed(seed, { ...options, faults }).violations[0] ?? null;
  };
  let faults = drawFaults(seed, STORM_MS);
  let violation = breaks(faults);
  if (violation === null) return null;
  const { invariant, atMs } = violation;
  faults = faults.filter((fault) => fault.atMs <= atMs);

  for (
    let size = Math.ceil(faults.length / 2);
    size >= 1 && runs < runsMax;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < faults.length && runs < runsMax;) {
      const fewer = [...faults.slice(0, from), ...faults.slice(from + size)];
      const still = breaks(fewer);
      if (still?.invariant === invariant) {
        faults = fewer;
        violation = still;
      } else from += size;
    }
  }
  return { faults, violation, runs };
}
