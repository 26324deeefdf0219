import type { Cancel } from "../../src/ports/clock.ts";

const waitingFor = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal fires, unless that is taken back before. Thousands of waits hang on one signal and nearly
 * all end by themselves: a listener for each would cost more than all else about them, so they share one.
 */
export function whenAborted(signal: AbortSignal, run: () => void): Cancel {
  const waiting = waitingFor.get(signal) ?? listen(signal);
  waiting.add(run);
  return () => void waiting.delete(run);
}

function listen(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>();
  waitingFor.set(signal, waiting);
  signal.addEventListener("abort", () => waiting.forEach((run) => run()), { once: true });
  return waiting;
}
