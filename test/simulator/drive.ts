import { setImmediate as turn } from "node:timers/promises";
import { outsideOfPromises } from "./drain.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * Lets code that knows nothing of virtual time (the contract suites) use simulated ports: while one of their calls is
 * under way, time advances from callback to callback; between calls it stands still.
 */
export interface Driver {
  driven<T extends object>(port: T): T;
  /** Lets so much virtual time pass. */
  pass(ms: number): Promise<void>;
}

export function driver(scheduler: Scheduler): Driver {
  let pending = 0;
  let pumping = false;

  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    const advance = (): boolean => pending > 0 && scheduler.step(Number.MAX_SAFE_INTEGER);
    // It ends, too, when nothing will ever answer: then the test's own time-out says so.
    while (await outsideOfPromises(advance)) await turn();
    pumping = false;
  };
  const watch = <T>(promise: Promise<T>): Promise<T> => {
    pending += 1;
    void pump();
    return promise.finally(() => void (pending -= 1));
  };
  const driven = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key, receiver) {
        const member = Reflect.get(target, key, receiver) as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          const result: unknown = member.apply(target, args);
          return result instanceof Promise ? watch(result.then(wrapped)) : result;
        };
      },
    });
  /** What a port hands out may be a port itself (a session). */
  const wrapped = <T>(value: T): T => {
    const isPort =
      typeof value === "object" && value !== null && Object.values(value).some((one) => typeof one === "function");
    return isPort ? (driven(value as T & object) as T) : value;
  };
  return {
    driven,
    pass: (ms) => outsideOfPromises(() => scheduler.run(scheduler.nowMs() + ms)),
  };
}
