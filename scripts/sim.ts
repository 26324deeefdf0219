import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { bugs } from "../test/simulator/bugs.ts";
import type { BugName } from "../test/simulator/bugs.ts";
import { addResult, emptyResult, mustReach, neverReached } from "../test/simulator/campaign.ts";
import type { CampaignResult } from "../test/simulator/campaign.ts";
import { outsideOfPromises } from "../test/simulator/drain.ts";
import { bugNamed, planting } from "../test/simulator/find-bug.ts";
import { playOnAll } from "../test/simulator/pool.ts";
import { runSeed } from "../test/simulator/run-seed.ts";
import type { SeedOptions } from "../test/simulator/run-seed.ts";
import { shrink } from "../test/simulator/shrink.ts";
import { tellStory } from "../test/simulator/story.ts";
import type { SeedTask } from "../test/simulator/worker.ts";

const usage = `The simulator: the real controller in a world that goes wrong.

  sim --seeds N [--from S]     plays N seeds on all cores; fails if one breaks a promise or a fault was never reached
      --only redis             of these seeds only those with Redis services, one in ten
  sim --seed S [--story]       plays one seed; with --story tells all that happened
  sim --seed S --shrink        finds out which faults are needed
  sim --bugs [--within N]      plants every known mistake and finds it; with --bug NAME that one
  sim --bug NAME --seed S      plays one seed with a planted mistake

  --workers N                  processes to use instead of one per core
`;

/** Below so many seeds it is no wonder when something rare was not reached. */
const enoughSeeds = 3_000;
const seedsPerTask = 10;
const storyLinesMax = 60;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    story: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    bugs: { type: "boolean", default: false },
    bug: { type: "string" },
    only: { type: "string" },
    within: { type: "string", default: "5000" },
    workers: { type: "string", default: String(availableParallelism()) },
    help: { type: "boolean", default: false },
  },
});
const workers = Number(values.workers);

if (values.seed !== undefined) process.exitCode = await playOne(Number(values.seed));
else if (values.bugs) process.exitCode = await findBugs(values.bug, Number(values.within));
else if (values.seeds !== undefined) process.exitCode = await playMany(Number(values.from), Number(values.seeds));
else process.stdout.write(usage);

async function playOne(seed: number): Promise<number> {
  const options = planted(values.bug);
  if (values.shrink) return shrinkOne(seed, options);
  if (values.story) {
    for (const line of await outsideOfPromises(() => tellStory(seed, options, null))) say(line);
  }
  const { violations } = await outsideOfPromises(() => runSeed(seed, options));
  for (const { invariant, what } of violations) say(`seed ${seed}: ${invariant}: ${what}`);
  if (violations.length === 0) say(`seed ${seed}: every promise was kept`);
  return violations.length === 0 ? 0 : 1;
}

async function shrinkOne(seed: number, options: SeedOptions): Promise<number> {
  const shrunk = await outsideOfPromises(() => shrink(seed, 200, options));
  if (shrunk === null) {
    say(`seed ${seed}: every promise was kept, there is nothing to shrink`);
    return 0;
  }
  const { faults, violation, runs } = shrunk;
  say(`seed ${seed}: ${violation.invariant}: ${violation.what}`);
  say(`${faults.length} faults are needed (found in ${runs} plays):`);
  for (const fault of faults) say(`  ${JSON.stringify(fault)}`);
  const story = await outsideOfPromises(() => tellStory(seed, { ...options, faults }, violation));
  for (const line of story.slice(-storyLinesMax)) say(line);
  return 1;
}

async function playMany(from: number, seeds: number): Promise<number> {
  const sum = emptyResult();
  const tasks = tasksOf(from, from + seeds);
  const beganMs = performance.now();
  const progress = setInterval(() => say(speed(sum, beganMs)), 10_000);
  await playOnAll(
    workers,
    () => tasks.shift() ?? null,
    (result) => {
      addResult(sum, result);
      result.failures.forEach(tellFailure);
    },
  );
  clearInterval(progress);
  say(speed(sum, beganMs));
  coverage(sum);
  const first = sum.failures[0];
  if (first !== undefined) await tellFirst(first.seed);
  const missed = seeds >= enoughSeeds ? neverReached(sum) : [];
  for (const name of missed) say(`never reached: ${name}`);
  return sum.failures.length > 0 || missed.length > 0 ? 1 : 0;
}

function tellFailure({ seed, violation }: CampaignResult["failures"][number]): void {
  say(`seed ${seed}: ${violation.invariant}: ${violation.what}`);
  say(`  replay: npx tsx scripts/sim.ts --seed ${seed} --story`);
}

async function tellFirst(seed: number): Promise<void> {
  const shrunk = await outsideOfPromises(() => shrink(seed, 40));
  if (shrunk === null) return;
  say(`\nThe story of seed ${seed} with the ${shrunk.faults.length} faults that it needs:`);
  const story = await outsideOfPromises(() => tellStory(seed, { faults: shrunk.faults }, shrunk.violation));
  for (const line of story.slice(-storyLinesMax)) say(line);
}

async function findBugs(only: string | undefined, playsMax: number): Promise<number> {
  const wanted = only === undefined ? (Object.keys(bugs) as BugName[]) : [bugNamed(only)];
  const tasks = wanted.map((bug) => ({ bug, playsMax }));
  let foundCount = 0;
  await playOnAll(
    workers,
    () => tasks.shift() ?? null,
    ({ bug, played, skipped, found }) => {
      const plays = `${played} plays${skipped.length === 0 ? "" : `, ${skipped.length} of which do not count: ${skipped.join(", ")}`}`;
      if (found === null) return say(`NOT FOUND: ${bug} (${plays})`);
      foundCount += 1;
      const { seed, violation } = found;
      say(`found: ${bug} (${plays})\n  seed ${seed}: ${violation.invariant}: ${violation.what}`);
    },
  );
  say(`${foundCount} of ${wanted.length} planted bugs found`);
  return foundCount === wanted.length ? 0 : 1;
}

function tasksOf(from: number, to: number): SeedTask[] {
  const onlyRedis = values.only === "redis";
  const tasks: SeedTask[] = [];
  for (let at = from; at < to; at += seedsPerTask)
    tasks.push({ from: at, to: Math.min(to, at + seedsPerTask), onlyRedis });
  return tasks;
}

function planted(bug: string | undefined): SeedOptions {
  return bug === undefined ? {} : planting(bugNamed(bug));
}

function speed({ seeds, simulatedMs, failures }: CampaignResult, beganMs: number): string {
  const seconds = (performance.now() - beganMs) / 1_000;
  const perSecond = (seeds / seconds).toFixed(1);
  const perCore = (seeds / seconds / workers).toFixed(1);
  const hours = (simulatedMs / 3_600_000 / seconds).toFixed(1);
  return `${seeds} seeds, ${failures.length} failed; ${perSecond} seeds/s (${perCore} per process), ${hours} simulated hours/s`;
}

function coverage({ reached }: CampaignResult): void {
  say("\nreached, times:");
  for (const name of mustReach) say(`  ${String(reached[name] ?? 0).padStart(9)}  ${name}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
