import type { Alert, AlertState } from "../../model/alert.ts";
import type { Message } from "../../ports/notifier.ts";
import type { DeliveryRef } from "./channels.ts";
import type { MessageContext } from "./message.ts";
import { alertMessage, tellingOf } from "./message.ts";

/** One message that one channel has still to take. */
export interface OutboxEntry extends DeliveryRef {
  readonly message: Message;
}

/** Everything owed to channels: the worst first, then the oldest. */
export function outboxOf(state: AlertState, context: MessageContext): readonly OutboxEntry[] {
  const telling = tellingOf(context);
  return Object.values(state.alerts)
    .toSorted(byUrgency)
    .flatMap((alert) =>
      Object.entries(alert.channels).flatMap(([channel, record]): readonly OutboxEntry[] => {
        const { owed } = record;
        if (owed === null) return [];
        const message = alertMessage(alert, owed.state, owed.sequence, telling, {
          instead: insteadOf(alert, owed.insteadOf),
          first: record.taken !== "firing",
        });
        return [{ key: alert.key, channel, sequence: owed.sequence, state: owed.state, message }];
      }),
    );
}

/** What fires and the channel knows of, for receivers that must be reminded (`ChannelLimits.refreshEveryMs`). */
export function firingMessages(state: AlertState, channel: string, context: MessageContext): readonly Message[] {
  const telling = tellingOf(context);
  return Object.values(state.alerts)
    .filter((alert) => alert.phase === "firing" && alert.channels[channel]?.taken === "firing")
    .map((alert) => alertMessage(alert, "firing", alert.sequence, telling, { instead: null, first: false }));
}

function insteadOf(alert: Alert, channel: string | null): { channel: string; failure: string | null } | null {
  return channel === null ? null : { channel, failure: alert.channels[channel]?.owed?.failure ?? null };
}

function byUrgency(a: Alert, b: Alert): number {
  if (a.severity !== b.severity) return a.severity === "critical" ? -1 : 1;
  return a.sinceWallMs - b.sinceWallMs || (a.key < b.key ? -1 : 1);
}
