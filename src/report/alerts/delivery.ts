import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Message, Notifier } from "../../ports/notifier.ts";
import type { Random } from "../../ports/random.ts";
import { startChannelWorker } from "./channel-worker.ts";
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

export interface Courier {
  /** Takes the whole outbox as it is now and returns at once; channels that are busy with something newer keep to it. */
  offer(outbox: readonly OutboxEntry[]): void;
  /** Begins nothing more; resolves when what is under way is over, which the channels' deadlines bound. */
  close(): Promise<void>;
}

/**
 * Carries messages to channels, each at its own pace, for as long as the daemon runs. Nothing here is remembered over
 * a restart: what is owed is in the alert state, and is offered anew.
 */
export function startDelivery(deps: DeliveryDeps): Courier {
  const workers = new Map(deps.channels.map((channel) => [channel.notifier.name, startChannelWorker(deps, channel)]));
  return {
    offer(outbox) {
      for (const [name, worker] of workers) worker.offer(outbox.filter(({ channel }) => channel === name));
    },
    async close() {
      await Promise.all([...workers.values()].map((worker) => worker.close()));
    },
  };
}

/**
 * The same for a program that ends: resolves when every message was taken or its channel has proved broken, or after
 * `withinMs`. Closes the channels. What was not taken stays owed.
 */
export function deliverOutbox(
  deps: Omit<DeliveryDeps, "outcome" | "firing">,
  outbox: readonly OutboxEntry[],
  withinMs: number,
): Promise<readonly DeliveryOutcome[]> {
  return new Promise((resolve) => {
    const outcomes: DeliveryOutcome[] = [];
    const names = new Set(deps.channels.map(({ notifier }) => notifier.name));
    const open = new Set(outbox.filter(({ channel }) => names.has(channel)).map(idOf));
    const finish = (): void => {
      cancel();
      // A channel that hangs must not hold up a program that ends.
      void courier.close();
      resolve(outcomes);
    };
    const cancel = deps.clock.after(withinMs, finish);
    const courier = startDelivery({
      ...deps,
      firing: () => [],
      outcome(outcome) {
        outcomes.push(outcome);
        if (outcome.kind === "taken" || outcome.broken) for (const entry of outcome.entries) open.delete(idOf(entry));
        if (open.size === 0) finish();
      },
    });
    if (open.size === 0) finish();
    else courier.offer(outbox);
  });
}

function idOf({ channel, message }: OutboxEntry): string {
  return `${channel} ${message.id}`;
}
