import { describe, expect, it } from "vitest";
import { addResult, emptyResult } from "./campaign.ts";
import type { CampaignResult } from "./campaign.ts";
import { outsideOfPromises } from "./drain.ts";
import { playOnAll } from "./pool.ts";
import { runSeed } from "./run-seed.ts";
import { tellStory } from "./story.ts";

describe("a seed", () => {
  it("tells the same story every time, whatever was played before it", async () => {
    const tell = (seed: number) => outsideOfPromises(() => tellStory(seed, {}, null));
    const story = await tell(5);
    await tell(8);
    expect(await tell(5)).toEqual(story);
    expect(story.length).toBeGreaterThan(300);
  });

  it("comes to the same without anybody who listens to its story", async () => {
    const silent = await outsideOfPromises(() => runSeed(6));
    const told = await outsideOfPromises(() => runSeed(6, { story: () => {} }));
    expect(Object.fromEntries(silent.reached)).toEqual(Object.fromEntries(told.reached));
  });

  it("comes to the same in one process or several, translated when loaded or before", async () => {
    const here = emptyResult();
    for (const seed of [5, 6]) addResult(here, await resultOf(seed));
    expect(await playedOn(1)).toEqual(here);
    expect(await playedOn(2)).toEqual(here);
  });
});

async function resultOf(seed: number): Promise<CampaignResult> {
  const { reached, simulatedMs } = await outsideOfPromises(() => runSeed(seed));
  return { seeds: 1, simulatedMs, failures: [], reached: Object.fromEntries(reached) };
}

async function playedOn(workers: number): Promise<CampaignResult> {
  const sum = emptyResult();
  const tasks = [5, 6].map((from) => ({ from, to: from + 1 }));
  await playOnAll(
    workers,
    () => tasks.shift() ?? null,
    (result) => addResult(sum, result),
  );
  return sum;
}
