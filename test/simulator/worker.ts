import { addSeed, emptyResult } from "./campaign.ts";
import type { CampaignResult } from "./campaign.ts";
import { outsideOfPromises } from "./drain.ts";
import { hasRedis } from "./redis-plan.ts";
import { findBug } from "./find-bug.ts";
import type { BugHunt } from "./find-bug.ts";
import type { BugName } from "./bugs.ts";

/** Seeds `from` to `to` (not included). */
export interface SeedTask {
  readonly from: number;
  readonly to: number;
  /** Leaves out those without Redis services. */
  readonly onlyRedis?: boolean;
}

/** A planted bug to be found within so many plays. */
export interface BugTask {
  readonly bug: BugName;
  readonly playsMax: number;
}

/** Plays the seeds one by one; between two of them the event loop turns, so that a rejection nobody handles is seen. */
async function playSeeds({ from, to, onlyRedis }: SeedTask): Promise<CampaignResult> {
  const result = emptyResult();
  for (let seed = from; seed < to; seed += 1) {
    if (onlyRedis === true && !hasRedis(seed)) continue;
    await outsideOfPromises(() => addSeed(result, seed));
  }
  return result;
}

function play(task: SeedTask | BugTask): Promise<CampaignResult | BugHunt> {
  return "bug" in task ? findBug(task.bug, task.playsMax) : playSeeds(task);
}

if (process.send !== undefined && process.argv.includes("--simulator-worker")) {
  process.on("message", (task: SeedTask | BugTask) => {
    void play(task).then((result) => process.send?.(result));
  });
}
