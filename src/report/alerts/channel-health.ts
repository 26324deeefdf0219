import type { IBackoff } from "cockatiel";
import { ConsecutiveBreaker, ExponentialBackoff } from "cockatiel";
import { EVENT } from "../events.ts";
import type { Channel, DeliveryDeps } from "./channel.ts";

const FIRST_WAIT_MS = 1_000;
const LAST_WAIT_MS = 300_000;
/** A server may ask for patience; it may not ask to be forgotten. */
const ASKED_WAIT_MAX_MS = 3_600_000;

export interface ChannelHealth {
  /** When the channel may be tried again, on the steady clock. */
  openAtMs(): number;
  /** Whether as many tries as a delivery has have failed in a row. */
  isBroken(): boolean;
  worked(): void;
  failed(reason: string, retryAfterMs: number | null): void;
}

/**
 * Back-off and circuit breaker of one channel: after a failure it rests, twice as long each time, half of it by chance;
 * after `attempts` failures in a row it is broken, and single tries find out when it works again. Cockatiel's breaker
 * and back-off count; the time is our own clock's, which its policies would not look at.
 */
export function channelHealth({ clock, random, log }: DeliveryDeps, { notifier, attempts }: Channel): ChannelHealth {
  const breaker = new ConsecutiveBreaker(Math.max(1, attempts));
  const schedule = new ExponentialBackoff({
    initialDelay: FIRST_WAIT_MS,
    maxDelay: LAST_WAIT_MS,
    generator: (state: number | undefined, { initialDelay, maxDelay, exponent }) => {
      const fullMs = state === undefined ? initialDelay : Math.min(maxDelay, state * exponent);
      return [fullMs * (0.5 + random.next() / 2), fullMs];
    },
  });
  let backOff: IBackoff<unknown> | null = null;
  let openAtMs = 0;
  let broken = false;
  return {
    openAtMs: () => openAtMs,
    isBroken: () => broken,
    worked() {
      breaker.success();
      if (broken)
        log.info({ event: EVENT.channelRecovered, channel: notifier.name }, "alert channel takes messages again");
      backOff = null;
      broken = false;
      openAtMs = 0;
    },
    failed(reason, retryAfterMs) {
      backOff = backOff === null ? schedule.next() : backOff.next(undefined);
      const askedMs = Number.isFinite(retryAfterMs) ? Math.min(Math.max(0, retryAfterMs ?? 0), ASKED_WAIT_MAX_MS) : 0;
      openAtMs = clock.steadyMs() + Math.max(backOff.duration, askedMs);
      const breaks = breaker.failure();
      if (breaks && !broken)
        log.warn({ event: EVENT.channelBroken, channel: notifier.name, reason }, "alert channel stays broken");
      broken = broken || breaks;
    },
  };
}
