import type { Channel, DeliveryDeps } from "./channel.ts";
import type { Cancel } from "../../ports/clock.ts";
import type { Delivery } from "../../ports/notifier.ts";
import { EVENT } from "../events.ts";
import { attempt } from "./attempt.ts";
import { nextBatch } from "./batch.ts";
import { channelHealth } from "./channel-health.ts";
import type { OutboxEntry } from "./outbox.ts";

/** How soon something that was refused by itself (and not for the channel's sake) is tried again. */
const REFUSED_WAIT_MS = 300_000;

export interface ChannelWorker {
  /** Replaces what is to be sent. What is being sent at the moment goes on. */
  offer(entries: readonly OutboxEntry[]): void;
  /** Begins nothing more; resolves when what is under way is over, which its deadline bounds. */
  close(): Promise<void>;
}

/**
 * Sends what is owed to one channel, one message at a time: in order, within the rate the receiver allows, with
 * back-off after failures. Runs beside everything else and is only ever woken by `offer`, by an answer, or by its one
 * timer.
 */
export function startChannelWorker(deps: DeliveryDeps, channel: Channel): ChannelWorker {
  const { clock, log } = deps;
  const { notifier, timeoutMs } = channel;
  const health = channelHealth(deps, channel);
  /** By id, when what was refused may be tried again; it goes alone then, so that it spoils no digest. */
  const refused = new Map<string, number>();
  const settled = new Set<string>();
  let waiting: readonly OutboxEntry[] = [];
  let sentAtMs: readonly number[] = [];
  let refreshAtMs = notifier.limits?.refreshEveryMs ? clock.steadyMs() : Number.POSITIVE_INFINITY;
  let busy = false;
  let closed = false;
  let work: Promise<void> = Promise.resolve();
  let cancelTimer: Cancel = () => undefined;

  function pump(): void {
    if (busy || closed) return;
    cancelTimer();
    const nowMs = clock.steadyMs();
    const batch = nextBatch({
      waiting,
      refused,
      sentAtMs,
      nowMs,
      openAtMs: health.openAtMs(),
      limits: notifier.limits,
    });
    if (batch.kind === "send") return run(() => deliver(batch.entries));
    if (refreshAtMs <= nowMs && health.openAtMs() <= nowMs) return run(refresh);
    const wakeAtMs = Math.min(batch.atMs, Math.max(refreshAtMs, health.openAtMs()));
    if (Number.isFinite(wakeAtMs)) cancelTimer = clock.after(Math.max(1, wakeAtMs - nowMs), pump);
  }

  function run(begin: () => Promise<void>): void {
    busy = true;
    work = begin().then(() => {
      busy = false;
      pump();
    });
  }

  async function deliver(entries: readonly OutboxEntry[]): Promise<void> {
    const message =
      entries.length === 1 && entries[0] ? entries[0].message : deps.digest(entries.map((one) => one.message));
    sentAtMs = [...sentAtMs.slice(-100), clock.steadyMs()];
    settle(entries, await attempt(clock, notifier, message, timeoutMs));
  }

  function settle(entries: readonly OutboxEntry[], delivery: Delivery): void {
    if (delivery.kind === "taken") taken(entries, delivery.note ?? null);
    else failed(entries, delivery);
  }

  function taken(entries: readonly OutboxEntry[], note: string | null): void {
    health.worked();
    for (const { message } of entries) {
      settled.add(message.id);
      refused.delete(message.id);
    }
    waiting = waiting.filter(({ message }) => !settled.has(message.id));
    log.info(
      { event: EVENT.alertDelivered, channel: notifier.name, keys: keysOf(entries), note },
      "alert taken by its channel",
    );
    deps.outcome({ kind: "taken", channel: notifier.name, entries, note });
  }

  function failed(entries: readonly OutboxEntry[], delivery: Delivery & { readonly kind: "failed" }): void {
    const { reason, permanent, retryAfterMs } = delivery;
    // What is refused for its own sake waits by itself, so that it does not hold up the others; a digest is taken apart.
    const againAtMs = clock.steadyMs() + (entries.length > 1 ? 0 : REFUSED_WAIT_MS);
    if (permanent) for (const { message } of entries) refused.set(message.id, againAtMs);
    health.failed(reason, retryAfterMs);
    log.debug({ event: EVENT.alertFailed, channel: notifier.name, keys: keysOf(entries), reason }, "alert not taken");
    const broken = health.isBroken();
    const given = broken ? waiting : entries;
    deps.outcome({
      kind: "failed",
      channel: notifier.name,
      entries: given,
      reason,
      broken: broken || (permanent && entries.length === 1),
    });
  }

  /** In between messages, never beside one, so that an end is never overtaken by an older "it fires". */
  async function refresh(): Promise<void> {
    refreshAtMs = clock.steadyMs() + (notifier.limits?.refreshEveryMs ?? Number.POSITIVE_INFINITY);
    for (const message of deps.firing(notifier.name)) {
      const delivery = await attempt(clock, notifier, message, timeoutMs);
      if (closed) return;
      if (delivery.kind === "failed") {
        log.debug({ event: EVENT.alertFailed, channel: notifier.name, reason: delivery.reason }, "reminder not taken");
        return;
      }
    }
  }

  pump();
  return {
    offer(entries) {
      const ids = new Set(entries.map(({ message }) => message.id));
      for (const id of settled) if (!ids.has(id)) settled.delete(id);
      for (const id of refused.keys()) if (!ids.has(id)) refused.delete(id);
      waiting = entries.filter(({ message }) => !settled.has(message.id));
      // Memory that was read again after this one could not save may still owe what has been taken.
      const known = entries.filter(({ message }) => settled.has(message.id));
      if (known.length > 0) deps.outcome({ kind: "taken", channel: notifier.name, entries: known, note: null });
      pump();
    },
    async close() {
      closed = true;
      cancelTimer();
      await work;
      notifier.close();
    },
  };
}

function keysOf(entries: readonly OutboxEntry[]): readonly string[] {
  return entries.map(({ key, state }) => `${key} ${state}`);
}
