import type { Cancel } from "../../src/ports/clock.ts";
import { drain } from "./drain.ts";

/** Virtual time: a queue of callbacks, run one at a time, each followed by all promise reactions it caused. */
export interface Scheduler {
  /** Milliseconds since the world began. */
  nowMs(): number;
  at(atMs: number, run: () => void): Cancel;
  after(delayMs: number, run: () => void): Cancel;
  /** Runs the next callback; false when there is none up to `untilMs`, where the time then stands. */
  step(untilMs: number): boolean;
  /** Steps up to `untilMs`; `stop`, asked after each step, ends it early. */
  run(untilMs: number, stop?: () => boolean): void;
  /** Callbacks waiting, for the check that nothing piles up. */
  waiting(): number;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;
}

/** More callbacks than this in one millisecond mean that somebody runs in circles. */
const callbacksPerMsMax = 20_000;

/** Throws from `step` when time cannot go on. */
export function scheduler(): Scheduler {
  const queue = entryQueue();
  let nowMs = 0;
  let order = 0;
  let live = 0;
  let atOnce = 0;

  const at = (atMs: number, run: () => void): Cancel => {
    const entry: Entry = { atMs: atMs > nowMs ? atMs : nowMs, order: (order += 1), run };
    queue.push(entry);
    live += 1;
    return () => {
      if (entry.run === null) return;
      entry.run = null;
      live -= 1;
    };
  };

  const step = (untilMs: number): boolean => {
    for (;;) {
      const entry = queue.peek();
      if (entry === undefined || entry.atMs > untilMs) {
        if (untilMs > nowMs) nowMs = untilMs;
        return false;
      }
      queue.pop();
      const { run } = entry;
      if (run === null) continue;
      entry.run = null;
      live -= 1;
      atOnce = entry.atMs === nowMs ? atOnce + 1 : 0;
      if (atOnce > callbacksPerMsMax) throw new Error(`time stands still at ${nowMs} ms: ${String(run)}`);
      nowMs = entry.atMs;
      run();
      drain();
      return true;
    }
  };

  return {
    nowMs: () => nowMs,
    at,
    after: (delayMs, run) => at(nowMs + delayMs, run),
    step,
    run(untilMs, stop) {
      drain();
      while (step(untilMs)) if (stop?.()) return;
    },
    waiting: () => live,
  };
}

/** A binary heap by time, then by order of arrival, so that a seed replays exactly. */
function entryQueue(): { peek(): Entry | undefined; pop(): void; push(entry: Entry): void } {
  const heap: Entry[] = [];
  const before = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  return {
    peek: () => heap[0],
    push(entry) {
      let at = heap.length;
      heap.push(entry);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!before(entry, heap[parent]!)) break;
        heap[at] = heap[parent]!;
        at = parent;
      }
      heap[at] = entry;
    },
    pop() {
      const last = heap.pop()!;
      const size = heap.length;
      if (size === 0) return;
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child += 1;
        if (!before(heap[child]!, last)) break;
        heap[at] = heap[child]!;
        at = child;
      }
      heap[at] = last;
    },
  };
}
