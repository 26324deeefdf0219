import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { bugs } from "../test/simulator/bugs.ts";
import { addResult, emptyResult, mustReach, neverReached } from "../test/simulator/campaign.ts";
import type { CampaignResult } from "../test/simulator/campaign.ts";
import { outsideOfPromises } from "../test/simulator/drain.ts";
import { playOnAll } from "../test/simulator/pool.ts";
import { runSeed } from "../test/simulator/run-seed.ts";
import type { SeedOptions } from "../test/simulator/run-seed.ts";
import { shrink } from "../test/simulator/shrink.ts";
import { tellStory } from "../test/simulator/story.ts";
import type { Task } from "../test/simulator/worker.ts";

const usage = `The simulator: the real controller in a world that goes wrong.

  sim --seeds N [--from S]     plays N seeds on all cores; fails if one breaks a promise or a fault was never reached
  sim --seed S [--story]       plays one seed; with --story tells all that happened
  sim --seed S --shrink        finds out which faults are needed
  sim --bugs [--within N]      plants every known mistake and finds it
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
    within: { type: "string", default: "5000" },
    workers: { type: "string", default: String(availableParallelism()) },
    help: { type: "boolean", default: false },
  },
});
const workers = Number(values.workers);

if (values.seed !== undefined) process.exitCode = await playOne(Number(values.seed));
else if (values.bugs) process.exitCode = await findBugs(Number(values.within));
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
  const tasks = tasksOf(from, from + seeds, null);
  const beganMs = performance.now();
  const progress = setInterval(() => say(speed(sum, beganMs)), 10_000);
  await playOnAll(
    workers,
    () => tasks.shift() ?? null,
    (result) => addResult(sum, result),
  );
  clearInterval(progress);
  say(speed(sum, beganMs));
  coverage(sum);
  for (const { seed, violation } of sum.failures.slice(0, 20)) {
    say(`seed ${seed}: ${violation.invariant}: ${violation.what}`);
    say(`  replay: npx tsx scripts/sim.ts --seed ${seed} --story`);
  }
  const first = sum.failures[0];
  if (first !== undefined) await tellFirst(first.seed);
  const missed = seeds >= enoughSeeds ? neverReached(sum) : [];
  for (const name of missed) say(`never reached: ${name}`);
  return sum.failures.length > 0 || missed.length > 0 ? 1 : 0;
}

async function tellFirst(seed: number): Promise<void> {
  const shrunk = await outsideOfPromises(() => shrink(seed, 40));
  if (shrunk === null) return;
  say(`\nThe story of seed ${seed} with the ${shrunk.faults.length} faults that it needs:`);
  const story = await outsideOfPromises(() => tellStory(seed, { faults: shrunk.faults }, shrunk.violation));
  for (const line of story.slice(-storyLinesMax)) say(line);
}

async function findBugs(within: number): Promise<number> {
  const open = new Map(Object.keys(bugs).map((bug) => [bug, tasksOf(1, within + 1, bug)]));
  const found = new Map<string, string>();
  const nextTask = (): Task | null => {
    for (const [bug, tasks] of open) {
      const task = found.has(bug) ? undefined : tasks.shift();
      if (task !== undefined) return task;
    }
    return null;
  };
  await playOnAll(workers, nextTask, ({ failures }, { bug }) => {
    const first = failures[0];
    if (bug === null || first === undefined || found.has(bug)) return;
    found.set(bug, `seed ${first.seed}: ${first.violation.invariant}: ${first.violation.what}`);
    say(`found    ${bug}  (${found.get(bug)})`);
  });
  const missed = Object.keys(bugs).filter((bug) => !found.has(bug));
  for (const bug of missed) say(`NOT FOUND within ${within} seeds: ${bug}`);
  say(`${found.size} of ${Object.keys(bugs).length} planted bugs found`);
  return missed.length === 0 ? 0 : 1;
}

function tasksOf(from: number, to: number, bug: string | null): Task[] {
  const tasks: Task[] = [];
  for (let at = from; at < to; at += seedsPerTask) {
    tasks.push({ from: at, to: Math.min(to, at + seedsPerTask), bug, untilFound: bug !== null });
  }
  return tasks;
}

function planted(bug: string | undefined): SeedOptions {
  if (bug === undefined) return {};
  const sabotage = bugs[bug];
  if (sabotage === undefined) throw new Error(`there is no planted bug called ${bug}: ${Object.keys(bugs).join(", ")}`);
  return { plant: (world) => void (world.sabotage = sabotage) };
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
