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
export async function started(engine: RawEngine, { count, body }: RawStarts, concurrency: number): Promise<number> {
  const ids: string[] = [];
  const beganMs = performance.now();
  try {
    await pLimit(concurrency).map(Array.from({ length: count }), async () => {
      const { Id } = await engine.ask<{ Id: string }>("POST", "/containers/create", body);
      ids.push(Id);
      await engine.ask("POST", `/containers/${Id}/start`);
    });
    return performance.now() - beganMs;
  } finally {
    await pLimit(4).map(ids, (id) => engine.ask("DELETE", `/containers/${id}?force=true`).catch(() => undefined));
  }
}
