import type { Clock } from "../../src/ports/clock.ts";
import type { Naps } from "./naps.ts";
import type { Dice } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { whenAborted } from "./when-aborted.ts";

/**
 * One running controller as the machine sees it. What reaches it (timers, answers, events) comes through `deliver`:
 * at once while it runs, all together and late after SIGSTOP, never after kill -9.
 */
export interface Process {
  readonly name: string;
  /** Machine it runs on: reachability is decided by it. */
  readonly machine: string;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  alive(): boolean;
  deliver(run: () => void): void;
  stop(): void;
  resume(): void;
  kill(): void;
  /** How wrong the wall clock was when it started; its steady clock keeps that for ever. */
  readonly steadyOffsetMs: number;
  /** In the world's time. */
  readonly startedAtMs: number;
  /** Sets the wall clock wrong by so much; the steady clock does not notice. */
  jumpWallClock(byMs: number): void;
}

/** When the world begins, by the wall clock. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

export function startProcess(
  scheduler: Scheduler,
  dice: Dice,
  name: string,
  machine: string,
  steadyOffsetMs = 0,
  naps: Naps | null = null,
): Process {
  let state: "running" | "stopped" | "killed" = "running";
  let wallOffsetMs = steadyOffsetMs;
  let backlog: (() => void)[] = [];

  const deliver = (run: () => void): void => {
    if (state === "running") run();
    else if (state === "stopped") backlog.push(run);
  };

  const clock: Clock = {
    steadyMs: () => EPOCH_MS + steadyOffsetMs + scheduler.nowMs(),
    wallMs: () => EPOCH_MS + scheduler.nowMs() + wallOffsetMs,
    after: (ms, callback) => {
      if (state === "killed") return () => {};
      return cancellable(scheduler, deliver, ms, callback);
    },
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve("aborted");
        if (signal === undefined) {
          clock.after(ms, () => resolve("elapsed"));
          return;
        }
        const elapsed = (): void => {
          forget();
          resolve("elapsed");
        };
        const cancel = naps?.sleep(signal, ms, elapsed) ?? clock.after(ms, elapsed);
        const forget = whenAborted(signal, () => {
          cancel();
          resolve("aborted");
        });
      });
    },
  };

  const self: Process = {
    name,
    machine,
    clock,
    dice,
    scheduler,
    steadyOffsetMs,
    startedAtMs: scheduler.nowMs(),
    alive: () => state !== "killed",
    deliver,
    stop() {
      if (state !== "running") return;
      naps?.wake(({ process }) => process === self);
      state = "stopped";
    },
    resume() {
      if (state !== "stopped") return;
      state = "running";
      // Each in a step of its own, so that the promise reactions of one run before the next arrives.
      for (const run of backlog) scheduler.after(0, () => deliver(run));
      backlog = [];
    },
    kill() {
      state = "killed";
      backlog = [];
    },
    jumpWallClock: (byMs) => void (wallOffsetMs += byMs),
  };
  return self;
}

/** A timer that fires late, or never, when its process is stopped or killed; a cancelled one never fires, however late. */
function cancellable(scheduler: Scheduler, deliver: (run: () => void) => void, ms: number, callback: () => void) {
  let cancelled = false;
  // As Node does it: whole milliseconds, and at least one.
  const cancel = scheduler.after(ms >= 1 ? Math.trunc(ms) : 1, () => {
    deliver(() => {
      if (!cancelled) callback();
    });
  });
  return () => {
    cancelled = true;
    cancel();
  };
}
