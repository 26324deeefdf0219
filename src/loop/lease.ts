/**
 * How long a leader may act on what it last knew. Nothing here asks anybody: it is arithmetic on one's own monotonic
 * clock, so that it holds while Consul, the network or this process itself stands still.
 *
 * A renewal is a heartbeat and a consistent read that shows the key under our lease. At the moment it was *sent* we held
 * the key, or will have been found not to. From then on:
 * - the session can end early (by hand, or with its node), but nobody else is given the key before the lock-delay is over;
 * - left alone, it ends a check TTL after the heartbeat.
 * So nobody else can hold the key before `sent + min(TTL, lock-delay)`, and we stop a margin before that. The margin is
 * for what lies between the question whether we may act and the request being on its way, and for clocks that run at
 * slightly different speeds.
 */
export interface LeaseTerms {
  /** After how long without a heartbeat the holder counts as dead. */
  readonly checkTtlMs: number;
  /** For how long nobody is given the key after its holder's session ended. */
  readonly lockDelayMs: number;
  /** The longest that a request, once sent, can go on having an effect that nothing else would catch. */
  readonly requestTimeoutMs: number;
  readonly marginMs: number;
  /** How far wall clock and monotonic clock may drift apart between two looks before a pause of the machine is assumed. */
  readonly jumpMs: number;
}

/** A dead leader is replaced within TTL + lock-delay + a fraction of a second: under four seconds. */
export const defaultTerms: LeaseTerms = {
  checkTtlMs: 1_800,
  lockDelayMs: 1_500,
  requestTimeoutMs: 1_000,
  marginMs: 250,
  jumpMs: 1_000,
};

/** One moment on both clocks. */
export interface Instant {
  readonly steadyMs: number;
  readonly wallMs: number;
}

export type LeaseState =
  | { readonly kind: "valid"; readonly remainingMs: number }
  | { readonly kind: "lapsed"; readonly reason: string };

/** `renewedAt` is when the last successful renewal was sent. */
export function leaseState(renewedAt: Instant, now: Instant, terms: LeaseTerms): LeaseState {
  const elapsedMs = now.steadyMs - renewedAt.steadyMs;
  const jumpedMs = Math.round(now.wallMs - renewedAt.wallMs - elapsedMs);
  // The monotonic clock stands still while a virtual machine is frozen; the wall clock then tells of it afterwards.
  if (Math.abs(jumpedMs) > terms.jumpMs) return { kind: "lapsed", reason: `the clock jumped by ${jumpedMs} ms` };
  const remainingMs = leaseMs(terms) - elapsedMs;
  if (remainingMs > 0) return { kind: "valid", remainingMs };
  return { kind: "lapsed", reason: `no renewal for ${Math.round(elapsedMs)} ms` };
}

export function leaseMs({ checkTtlMs, lockDelayMs, marginMs }: LeaseTerms): number {
  return Math.min(checkTtlMs, lockDelayMs) - marginMs;
}

/** A third: two renewals may fail before the lease lapses. */
export function renewEveryMs({ checkTtlMs, lockDelayMs }: LeaseTerms): number {
  return Math.min(checkTtlMs, lockDelayMs) / 3;
}

/** What is wrong with the terms, as a sentence that names the settings; null when nothing is. */
export function termsProblem(terms: LeaseTerms): string | null {
  const { checkTtlMs, lockDelayMs, requestTimeoutMs, marginMs } = terms;
  if (requestTimeoutMs + marginMs >= lockDelayMs) {
    return (
      `leadership.lockDelay of ${lockDelayMs} ms is too short: a request of the last leader may take ${requestTimeoutMs} ms, ` +
      `and with a margin of ${marginMs} ms it could still take effect under the next one. ` +
      `Make it longer than ${requestTimeoutMs + marginMs} ms.`
    );
  }
  if (checkTtlMs <= 3 * marginMs) {
    return `leadership.checkTtl of ${checkTtlMs} ms is too short to be renewed in time: make it longer than ${3 * marginMs} ms.`;
  }
  if (lockDelayMs > 60_000)
    return `leadership.lockDelay of ${lockDelayMs} ms is longer than the 60000 ms that Consul allows.`;
  return null;
}
