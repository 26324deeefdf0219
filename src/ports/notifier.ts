/** One alert channel. Resolves only when the channel has taken the message. */
export interface Notifier {
  readonly name: string;
  readonly kind: string;
  send(message: Message, signal: AbortSignal): Promise<Delivery>;
  close(): void;
}

/** What a person gets. Texts are already free of control characters and within length limits. */
export interface Message {
  /** Stable for one condition: threads mails, closes incidents. */
  readonly key: string;
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
  readonly heading: string;
  readonly lines: readonly string[];
}

export type Delivery =
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterMs: number | null; readonly permanent: boolean };
