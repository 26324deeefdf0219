import { bugs } from "./bugs.ts";
import { addSeed, emptyResult } from "./campaign.ts";
import type { CampaignResult } from "./campaign.ts";
import { outsideOfPromises } from "./drain.ts";

/** Seeds `from` to `to` (not included), with a planted bug or none; `untilFound` stops at the first that fails. */
export interface Task {
  readonly from: number;
  readonly to: number;
  readonly bug: string | null;
  readonly untilFound: boolean;
}

/** Plays the seeds one by one; between two of them the event loop turns, so that a rejection nobody handles is seen. */
export async function playTask({ from, to, bug, untilFound }: Task): Promise<CampaignResult> {
  const result = emptyResult();
  const sabotage = bug === null ? {} : bugs[bug];
  if (sabotage === undefined) throw new Error(`there is no planted bug called ${bug}`);
  for (let seed = from; seed < to && !(untilFound && result.failures.length > 0); seed += 1) {
    await outsideOfPromises(() => addSeed(result, seed, { plant: (world) => void (world.sabotage = sabotage) }));
  }
  return result;
}

if (process.send !== undefined && process.argv.includes("--simulator-worker")) {
  process.on("message", (task: Task) => {
    void playTask(task).then((result) => process.send?.(result));
  });
}
