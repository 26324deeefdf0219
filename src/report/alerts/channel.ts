import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Message, Notifier } from "../../ports/notifier.ts";
import type { Random } from "../../ports/random.ts";
import type { OutboxEntry } from "./outbox.ts";

export interface Channel {
  readonly notifier: Notifier;
  /** Deadline of one try. */
  readonly timeoutMs: number;
  /** Tries in a row before the channel counts as broken. */
  readonly attempts: number;
}

export interface DeliveryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly channels: readonly Channel[];
  /** Joins messages for a channel that takes few: `digestMessage` with its context. */
  digest(messages: readonly Message[]): Message;
  /** What a channel was told that fires still: `firingMessages` of the state as it is now. */
  firing(channel: string): readonly Message[];
  /** Told of every try; the place to call `markDelivered` or `markFailed` and to save. Must not throw. */
  outcome(outcome: DeliveryOutcome): void;
}

export type DeliveryOutcome =
  | {
      readonly kind: "taken";
      readonly channel: string;
      readonly entries: readonly OutboxEntry[];
      /** What the channel did not like although it took the message, or null. */
      readonly note: string | null;
    }
  | {
      readonly kind: "failed";
      readonly channel: string;
      readonly entries: readonly OutboxEntry[];
      readonly reason: string;
      /** As many tries as a delivery has have failed: it is time for another channel. This one is tried on. */
      readonly broken: boolean;
    };
