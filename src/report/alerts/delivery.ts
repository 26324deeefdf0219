import { startChannelWorker } from "./channel-worker.ts";
import type { DeliveryDeps } from "./channel.ts";
import type { OutboxEntry } from "./outbox.ts";

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
