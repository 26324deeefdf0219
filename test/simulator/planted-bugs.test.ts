import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { bugFinds } from "./bug-finds.ts";
import { bugSigns } from "./bug-signs.ts";
import { bugs } from "./bugs.ts";
import type { BugName } from "./bugs.ts";
import { outsideOfPromises } from "./drain.ts";
import { planting } from "./find-bug.ts";
import { faultKinds } from "./faults.ts";
import { runSeed } from "./run-seed.ts";
import type { SeedOptions } from "./run-seed.ts";

/** A sample, each with a seed that finds it soon; `npm run sim -- --bugs` finds all. */
const sample: readonly BugName[] = [
  "never looks without a hint",
  "forgets generations",
  "hands over without holding writes",
];

async function brokenBy(seed: number, options: SeedOptions): Promise<readonly string[]> {
  const { violations } = await outsideOfPromises(() => runSeed(seed, options));
  return violations.map(({ invariant }) => invariant);
}

it.each(sample)("a controller that %s is found out by its seed, which breaks nothing otherwise", async (bug) => {
  const seed = bugFinds[bug];
  const [broken] = await brokenBy(seed, planting(bug));
  expect(bugSigns[bug].breaks).toContain(broken);
  expect(await brokenBy(seed, {})).toEqual([]);
});

it("what is documented of each planted bug is which seed found it last, and which promise broke that it can break", async () => {
  const text = await readFile("docs/reliability.md", "utf8");
  const rows = [...text.matchAll(/^\| (.+?) \| (\d+): (\S+) \|$/gm)].map(([, bug, seed, broken]) => ({
    bug,
    seed,
    broken,
  }));
  expect(Object.fromEntries(rows.map(({ bug, seed }) => [bug, Number(seed)]))).toEqual(bugFinds);
  for (const { bug, broken } of rows) expect(bugSigns[bug as BugName].breaks, bug).toContain(broken);
});

it("every planted bug is looked for under faults that there are", () => {
  for (const bug of Object.keys(bugs) as BugName[]) {
    expect(bugSigns[bug].breaks, bug).not.toEqual([]);
    const { shows, besides = [], meanwhile = [] } = bugSigns[bug];
    for (const fault of [...shows, ...besides, ...meanwhile]) expect(Object.keys(faultKinds), bug).toContain(fault);
  }
});
