import { cleanText } from "../../model/clean-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Delivery, Message, Notifier } from "../../ports/notifier.ts";

/**
 * One try of one message, over after `timeoutMs` whatever the channel does: one that ignores the signal is left
 * behind. Never rejects; a reason is clean and short.
 */
export function attempt(clock: Clock, notifier: Notifier, message: Message, timeoutMs: number): Promise<Delivery> {
  const abort = new AbortController();
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => {
      resolve(failed(`no answer within ${timeoutMs / 1_000} s`));
      abort.abort();
    });
    send(notifier, message, abort.signal).then((delivery) => {
      cancel();
      resolve(delivery.kind === "taken" ? delivery : { ...delivery, reason: cleanText(delivery.reason, 160) });
    }, swallowed);
  });
}

/** An adapter that throws breaks its promise; its text is not repeated, since nobody has looked it over for secrets. */
async function send(notifier: Notifier, message: Message, signal: AbortSignal): Promise<Delivery> {
  try {
    return await notifier.send(message, signal);
  } catch (error) {
    return failed(`the channel failed unexpectedly (${error instanceof Error ? error.name : typeof error})`);
  }
}

function failed(reason: string): Delivery {
  return { kind: "failed", reason, retryAfterMs: null, permanent: false };
}

function swallowed(): void {
  // `send` never rejects.
}
