import { fork } from "node:child_process";
import { bundleWorker } from "./bundle-worker.ts";
import type { CampaignResult } from "./campaign.ts";
import type { BugHunt } from "./find-bug.ts";
import type { BugTask, SeedTask } from "./worker.ts";

/** What a seed leaves behind is thrown away young when there is room for the young. */
const workerOptions = ["--max-semi-space-size=64"];

type ResultOf<Task> = Task extends BugTask ? BugHunt : CampaignResult;

/** Plays tasks on so many processes and hands on each result as it comes. Rejects when a process dies. */
export async function playOnAll<Task extends SeedTask | BugTask>(
  workers: number,
  nextTask: () => Task | null,
  onResult: (result: ResultOf<Task>) => void,
): Promise<void> {
  const script = await bundleWorker();
  try {
    await Promise.all(Array.from({ length: workers }, () => playOnOne(script.path, nextTask, onResult)));
  } finally {
    await script.remove();
  }
}

function playOnOne<Task extends SeedTask | BugTask>(
  script: string,
  nextTask: () => Task | null,
  onResult: (result: ResultOf<Task>) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let task = nextTask();
    if (task === null) return resolve();
    const child = fork(script, ["--simulator-worker"], { execArgv: workerOptions });
    child.once("error", reject);
    child.once("exit", (code) =>
      task === null ? resolve() : reject(new Error(`a worker ended with ${code} in ${JSON.stringify(task)}`)),
    );
    child.on("message", (result: ResultOf<Task>) => {
      onResult(result);
      task = nextTask();
      if (task === null) child.kill();
      else child.send(task);
    });
    child.send(task);
  });
}
