import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";

setFlagsFromString("--allow-natives-syntax");
const checkpoint = runInThisContext("(function () { %PerformMicrotaskCheckpoint(); })") as () => void;
setFlagsFromString("--no-allow-natives-syntax");

/**
 * Runs every promise reaction that is due, synchronously, and those they cause, until none is left. An empty call
 * costs 10 ns and an `await` 60 ns, where a turn of the event loop costs microseconds: this is what lets one seed run
 * from end to end without ever yielding, so that nothing real can come in between.
 *
 * V8 refuses while promise reactions are being run already: start from `outsideOfPromises`.
 */
export const drain: () => void = checkpoint;

/** Calls back from a fresh turn of the event loop, where `drain` works, and resolves with what it returned. */
export function outsideOfPromises<T>(run: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        assertDrains();
        resolve(run());
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

function assertDrains(): void {
  let ran = false;
  void Promise.resolve().then(() => (ran = true));
  drain();
  if (!ran) throw new Error("promise reactions cannot be run from here: the simulation would stand still");
}
