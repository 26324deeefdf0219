import type { Notifier } from "../../ports/notifier.ts";

export interface UnusableOptions {
  readonly name: string;
  /** What it would be: `mail`, `slack`, … */
  readonly wanted: string;
  readonly reason: string;
}

/** Stands for a channel that cannot work (a secret or template that could not be read), so that its route goes on without it. */
export function unusableNotifier({ name, wanted, reason }: UnusableOptions): Notifier {
  return {
    name,
    kind: wanted,
    send: () => Promise.resolve({ kind: "failed", reason, retryAfterMs: null, permanent: true }),
    close: () => undefined,
  };
}
