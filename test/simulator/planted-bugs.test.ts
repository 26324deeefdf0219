import { expect, it } from "vitest";
import { bugSigns } from "./bug-signs.ts";
import { bugs } from "./bugs.ts";
import type { BugName } from "./bugs.ts";
import { outsideOfPromises } from "./drain.ts";
import { planting } from "./find-bug.ts";
import { faultKinds } from "./faults.ts";
import { runSeed } from "./run-seed.ts";
import type { SeedOptions } from "./run-seed.ts";

/** A sample, each with a seed that finds it soon; `npm run sim -- --bugs` finds all. */
const sample: readonly (readonly [BugName, number])[] = [
  ["forgets back-offs", 96],
  ["forgets where its instances were", 2115],
];

async function brokenBy(seed: number, options: SeedOptions): Promise<readonly string[]> {
  const { violations } = await outsideOfPromises(() => runSeed(seed, options));
  return violations.map(({ invariant }) => invariant);
}

it.each(sample)("a controller that %s is found out by seed %i, which breaks nothing otherwise", async (bug, seed) => {
  const [broken] = await brokenBy(seed, planting(bug));
  expect(bugSigns[bug].breaks).toContain(broken);
  expect(await brokenBy(seed, {})).toEqual([]);
});

it("every planted bug is looked for under faults that there are", () => {
  for (const bug of Object.keys(bugs) as BugName[]) {
    expect(bugSigns[bug].breaks, bug).not.toEqual([]);
    const { shows, besides = [] } = bugSigns[bug];
    for (const fault of [...shows, ...besides]) expect(Object.keys(faultKinds), bug).toContain(fault);
  }
});
