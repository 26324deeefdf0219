import type { Clock } from "../../../src/ports/clock.ts";

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Lets time pass, timer by timer; whatever a timer sets off has come to rest before the next one fires. */
  advance(ms: number): Promise<void>;
  /** The process is stopped for so long: time passes, and all timers due meanwhile fire late, when it goes on. */
  freeze(ms: number): Promise<void>;
  /** Somebody sets the wall clock, or the machine slept: the monotonic clock does not notice. */
  moveWall(ms: number): void;
  /** Lets everything that is ready run. */
  settle(): Promise<void>;
}

export function fakeClock(startMs = 1_000_000): FakeClock {
  let nowMs = startMs;
  let wallAheadMs = 0;
  let order = 0;
  const timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const nextDue = (untilMs: number): number | undefined => {
    let best: number | undefined;
    for (const [id, timer] of timers) {
      if (timer.atMs <= untilMs && (best === undefined || timer.atMs < timers.get(best)!.atMs)) best = id;
    }
    return best;
  };
  const fire = (id: number): void => {
    const timer = timers.get(id)!;
    timers.delete(id);
    nowMs = Math.max(nowMs, timer.atMs);
    timer.callback();
  };
  const after = (ms: number, callback: () => void): (() => void) => {
    const id = (order += 1);
    timers.set(id, { atMs: nowMs + Math.max(0, ms), callback });
    return () => timers.delete(id);
  };

  return {
    steadyMs: () => nowMs,
    wallMs: () => nowMs + wallAheadMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve("aborted");
        const onAbort = (): void => {
          cancel();
          resolve("aborted");
        };
        const cancel = after(ms, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve("elapsed");
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
    settle,
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let id = nextDue(untilMs); id !== undefined; id = nextDue(untilMs)) {
        fire(id);
        await settle();
      }
      nowMs = untilMs;
    },
    async freeze(ms) {
      nowMs += ms;
      for (let id = nextDue(nowMs); id !== undefined; id = nextDue(nowMs)) {
        fire(id);
        await settle();
      }
    },
    moveWall(ms) {
      wallAheadMs += ms;
    },
  };
}
