import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { EngineFacts } from "./contact.ts";

/** An engine that was there takes milliseconds to say so; one whose machine is gone takes for ever. */
const ANSWER_WITHIN_MS = 2_000;
const ANEW_AFTER_MS = 500;
const ANEW_EVERY_MS = 250;

/**
 * Asks an engine that answered before whether it is there. After a gap in the network, TCP waits for seconds before it
 * sends again what it lost on a connection that stood, while a new one is answered at once: so it is asked over new ones
 * as well, until one answer comes. `hear` is told of each answer, also of one that comes too late. Rejects when the
 * first question fails, and when nothing has come within two seconds.
 */
export function pingInsistently(
  engine: Engine,
  clock: Clock,
  hear: <T>(answer: Promise<T>) => Promise<T>,
): Promise<EngineFacts> {
  const endMs = clock.steadyMs() + ANSWER_WITHIN_MS;
  let cancel = (): void => undefined;
  return new Promise<EngineFacts>((resolve, reject) => {
    const askAnew = (): void => {
      if (clock.steadyMs() >= endMs) return reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`));
      hear(engine.ping("anew")).then(resolve, () => undefined);
      cancel = clock.after(ANEW_EVERY_MS, askAnew);
    };
    cancel = clock.after(ANEW_AFTER_MS, askAnew);
    hear(engine.ping()).then(resolve, reject);
  }).finally(() => cancel());
}
