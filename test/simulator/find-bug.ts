import { bugFinds } from "./bug-finds.ts";
import { bugSigns } from "./bug-signs.ts";
import type { BugSigns } from "./bug-signs.ts";
import { bugs } from "./bugs.ts";
import type { BugName } from "./bugs.ts";
import { outsideOfPromises } from "./drain.ts";
import { drawFaults } from "./faults.ts";
import type { FaultEvent } from "./faults.ts";
import { runSeed, STORM_MS } from "./run-seed.ts";
import type { SeedOptions, SeedResult } from "./run-seed.ts";
import type { Violation } from "./safety.ts";
import { drawWorld } from "./world-plan.ts";

/** What came of the search for one planted bug. */
export interface BugHunt {
  readonly bug: BugName;
  /** Seeds that were played with it. */
  readonly played: number;
  /** Seeds that do not count: they break a promise without the bug, too, or one that it cannot break. */
  readonly skipped: readonly number[];
  readonly found: { readonly seed: number; readonly violation: Violation } | null;
}

/** Throws when there is no such bug. */
export function bugNamed(name: string): BugName {
  if (!Object.hasOwn(bugs, name)) throw new Error(`there is no planted bug called ${name}`);
  return name as BugName;
}

export function planting(bug: BugName): SeedOptions {
  return { plant: (world) => void (world.sabotage = bugs[bug]) };
}

/**
 * Plays the first so many of the seeds 1…5,000 with the bug (the one that found it last, then those in which it can show
 * most often, and none in which it cannot) until one breaks a promise that the bug can break and that the program keeps
 * without it.
 */
export async function findBug(bug: BugName, playsMax: number): Promise<BugHunt> {
  const skipped: number[] = [];
  let played = 0;
  const seeds = new Set([bugFinds[bug], ...likelyFirst(bugSigns[bug])]);
  for (const seed of [...seeds].slice(0, playsMax)) {
    played += 1;
    const [violation] = (await play(seed, planting(bug))).violations;
    if (violation === undefined) continue;
    const isPlausible = bugSigns[bug].breaks.includes(violation.invariant);
    if (isPlausible && (await play(seed, {})).violations.length === 0) {
      return { bug, played, skipped, found: { seed, violation } };
    }
    skipped.push(seed);
  }
  return { bug, played, skipped, found: null };
}

/** So long what is done at once is felt. */
const AFTERMATH_MS = 15_000;
/** From so many seeds the likely ones are chosen. */
const seedsMax = 5_000;

function play(seed: number, options: SeedOptions): Promise<SeedResult> {
  return outsideOfPromises(() => runSeed(seed, options));
}

function likelyFirst(signs: BugSigns): readonly number[] {
  const seeds: { readonly seed: number; readonly times: number }[] = [];
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    const times = timesIn(drawFaults(seed, STORM_MS), signs);
    if (times > 0 && (signs.fits === undefined || signs.fits(drawWorld(seed)))) seeds.push({ seed, times });
  }
  return seeds.sort((a, b) => b.times - a.times || a.seed - b.seed).map(({ seed }) => seed);
}

/** How often the mistake could show under these faults. */
function timesIn(faults: readonly FaultEvent[], { shows, besides, meanwhile }: BugSigns): number {
  const those = (kinds: readonly string[]) => faults.filter(({ kind }) => kinds.includes(kind));
  const shown = those(shows);
  if (meanwhile === undefined) return Math.min(shown.length, besides === undefined ? Infinity : those(besides).length);
  const untilMs = ({ atMs, lastsMs }: FaultEvent): number => atMs + Math.max(lastsMs, AFTERMATH_MS);
  return those(meanwhile).filter(({ atMs }) => shown.some((one) => one.atMs < atMs && atMs < untilMs(one))).length;
}
