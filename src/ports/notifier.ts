/** One alert channel. Resolves only when the channel has taken the message. */
export interface Notifier {
  readonly name: string;
  readonly kind: string;
  /** What the receiving side asks of its callers; absent: nothing. */
  readonly limits?: ChannelLimits;
  send(message: Message, signal: AbortSignal): Promise<Delivery>;
  close(): void;
}

export interface ChannelLimits {
  /** At most so many messages within so long: beyond it several are joined into one. null: as many as there are. */
  readonly rate: { readonly messages: number; readonly perMs: number } | null;
  /** Whether several messages may be joined into one; false for a receiver that keeps state by key. */
  readonly joins: boolean;
  /** What fires is sent again this often, or the receiver takes it for over; null: once is enough. */
  readonly refreshEveryMs: number | null;
}

/**
 * What a person gets. Texts are already free of control characters and within length limits; commands in them stand
 * in backticks. Times are wall-clock times.
 */
export interface Message {
  /** The same for every attempt to send the same message, and never used again: a receiver may drop a second one. */
  readonly id: string;
  /** Stable for one condition: threads mails, closes incidents. */
  readonly key: string;
  /** What kind of trouble (`surplus`, `host-lost`, …), and what it is about: the second and third part of the key. */
  readonly kind: string;
  readonly subject: string;
  readonly state: "firing" | "resolved";
  readonly severity: "warning" | "critical";
  readonly environment: string;
  readonly title: string;
  readonly body: readonly MessageSection[];
  readonly sinceMs: number;
  readonly atMs: number;
  readonly services: readonly string[];
}

export interface MessageSection {
  /** Empty for the first one: what is wrong and since when. */
  readonly heading: string;
  readonly lines: readonly string[];
}

export type Delivery =
  /** `note`: what was not to the receiver's liking all the same, for the log. */
  | { readonly kind: "taken"; readonly note?: string }
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly retryAfterMs: number | null;
      readonly permanent: boolean;
    };
