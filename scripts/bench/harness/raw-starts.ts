import pLimit from "p-limit";
import type { RawEngine } from "./raw-engine.ts";
import type { Context } from "./row.ts";

export interface RawStarts {
  readonly count: number;
  /** As the engine's API takes it. */
  readonly body: object;
}

/** How many at once is best differs between machines: all of these are tried. */
const CONCURRENCIES = [2, 4, 8];

export async function bestConcurrency(context: Context, engine: RawEngine, starts: RawStarts): Promise<number> {
  const tried = [];
  for (const concurrency of CONCURRENCIES)
    tried.push({ concurrency, tookMs: await started(engine, starts, concurrency) });
  const [best] = tried.toSorted((one, other) => one.tookMs - other.tookMs);
  const figures = tried.map(({ tookMs, concurrency }) => `${Math.round(tookMs)} ms at ${concurrency}`);
  context.say(`creating ${starts.count}: ${figures.join(", ")}`);
  return best?.concurrency ?? 1;
}

/** Milliseconds to create and start as many, which are cleared away outside of what is timed. */
export function started(engine: RawEngine, starts: RawStarts, concurrency: number): Promise<number> {
  return clearedAway(engine, async (ids) => {
    const beganMs = performance.now();
    await pLimit(concurrency).map(Array.from({ length: starts.count }), () => start(engine, starts, ids));
    return performance.now() - beganMs;
  });
}

/** Milliseconds from the end of as many at once until each has been replaced, as soon as the engine has told its death. */
export function replaced(engine: RawEngine, starts: RawStarts, concurrency: number): Promise<number> {
  return clearedAway(engine, async (ids) => {
    const lanes = pLimit(concurrency);
    await lanes.map(Array.from({ length: starts.count }), () => start(engine, starts, ids));
    const found = await Promise.all(
      [...ids].map((id) => engine.ask<{ State: { Pid: number } }>("GET", `/containers/${id}/json`)),
    );
    const all = [...ids].map(async (dead) => {
      await engine.event("die", ({ id }) => id === dead);
      await lanes(() => start(engine, starts, ids));
    });
    const beganMs = performance.now();
    for (const { State } of found) process.kill(State.Pid, "SIGKILL");
    await Promise.all(all);
    return performance.now() - beganMs;
  });
}

async function clearedAway(engine: RawEngine, work: (ids: string[]) => Promise<number>): Promise<number> {
  const ids: string[] = [];
  try {
    return await work(ids);
  } finally {
    await pLimit(4).map(ids, (id) => engine.ask("DELETE", `/containers/${id}?force=true`).catch(() => undefined));
  }
}

async function start(engine: RawEngine, { body }: RawStarts, ids: string[]): Promise<void> {
  const { Id } = await engine.ask<{ Id: string }>("POST", "/containers/create", body);
  ids.push(Id);
  await engine.ask("POST", `/containers/${Id}/start`);
}
