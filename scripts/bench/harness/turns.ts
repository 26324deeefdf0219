import { setImmediate as breathe } from "node:timers/promises";
import type { Sample } from "./row.ts";

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

/**
 * Subject and reference by turns, so that what else the machine does falls on both. Who goes first alternates; `warmUps`
 * turns are thrown away. Each resolves to its own amount.
 */
export async function interleave(
  turns: number,
  warmUps: number,
  subject: () => Promise<number>,
  reference: () => Promise<number>,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let turn = -warmUps; turn < turns; turn += 1) {
    const first = turn % 2 === 0 ? await subject() : await reference();
    await breathe();
    const second = turn % 2 === 0 ? await reference() : await subject();
    await breathe();
    if (turn >= 0) samples.push(turn % 2 === 0 ? pair(first, second) : pair(second, first));
  }
  return samples;
}

function pair(subject: number, reference: number): Sample {
  return { subject, reference };
}
