import type { Clock } from "../ports/clock.ts";

/** `setTimeout` fires at once for anything beyond this. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's own time: steady from the monotonic clock, wall from the system's. */
export function realClock(): Clock {
  const startedAtMs = Date.now() - performance.now();
  return {
    steadyMs: () => startedAtMs + performance.now(),
    wallMs: () => Date.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve("aborted");
        const onAbort = (): void => {
          clearTimeout(timer);
          resolve("aborted");
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener("abort", onAbort);
          resolve("elapsed");
        }, timerMs(ms));
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
    after(ms, callback) {
      // Timers that are due run one after the other without a look at sockets; what is to be next lets those in first.
      if (ms <= 0) {
        const soon = setImmediate(callback);
        return () => clearImmediate(soon);
      }
      const timer = setTimeout(callback, timerMs(ms));
      return () => clearTimeout(timer);
    },
  };
}

function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), longestTimerMs);
}
