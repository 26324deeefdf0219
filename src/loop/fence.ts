import { Fenced } from "../act/hands.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Lease } from "../ports/coordination.ts";
import { leaseState, type Instant, type LeaseTerms } from "./lease.ts";

/**
 * The right to act, as it is taken along by one pass from its first look to its last action. Once it has lapsed it
 * stays so, also when leadership itself comes back: what the pass has seen is from before, and a new look is needed.
 */
export interface Fence {
  /** null for one that never allowed anything. */
  readonly lease: Lease | null;
  mayAct(): boolean;
  /** The sequencer to stamp on what is created, `session@lockIndex`. Throws `Fenced`. */
  assertMayAct(): string;
}

/** Keeps the time of one period of leadership. */
export interface Tenure {
  readonly lease: Lease;
  fence(): Fence;
  /** A renewal that was sent then has succeeded: acting is allowed (again) from now on. */
  renewed(sentAt: Instant): void;
  /** For good: nothing is allowed any more. */
  end(reason: string): void;
}

export function noFence(reason: string): Fence {
  return {
    lease: null,
    mayAct: () => false,
    assertMayAct() {
      throw new Fenced(`not acting: ${reason}`);
    },
  };
}

/**
 * Begins with the acquisition that was sent at `sentAt`. `onLapse` and `onResume` tell of the moments in which acting
 * becomes forbidden and allowed, the first one left out.
 */
export function beginTenure(
  clock: Clock,
  terms: LeaseTerms,
  lease: Lease,
  sentAt: Instant,
  told: { readonly onLapse: (reason: string) => void; readonly onResume: () => void },
): Tenure {
  let renewedAt = sentAt;
  /** Why acting is forbidden; null while it is allowed. */
  let lapsed: string | null = null;
  let ended = false;
  let cancelAlarm: Cancel = () => undefined;
  let current = issue();

  function issue(): Fence {
    const mine: Fence = {
      lease,
      mayAct() {
        look();
        return lapsed === null && mine === current;
      },
      assertMayAct() {
        if (mine.mayAct()) return `${lease.sessionId}@${lease.lockIndex}`;
        throw new Fenced(`not acting any more: ${lapsed ?? "leadership lapsed meanwhile, and a new look is needed"}`);
      },
    };
    return mine;
  }

  function look(): void {
    if (lapsed !== null) return;
    const state = leaseState(renewedAt, instant(clock), terms);
    if (state.kind === "lapsed") lapse(state.reason);
  }

  function lapse(reason: string): void {
    lapsed = reason;
    cancelAlarm();
    told.onLapse(reason);
  }

  function setAlarm(): void {
    cancelAlarm();
    const state = leaseState(renewedAt, instant(clock), terms);
    if (state.kind === "lapsed") return look();
    cancelAlarm = clock.after(state.remainingMs, setAlarm);
  }

  setAlarm();
  return {
    lease,
    fence: () => current,
    renewed(sent) {
      if (ended) return;
      // First what has been missed: the time between the renewals may have been too long for the fences of before.
      look();
      if (leaseState(sent, instant(clock), terms).kind === "lapsed") return;
      renewedAt = sent;
      if (lapsed !== null) {
        lapsed = null;
        current = issue();
        told.onResume();
      }
      setAlarm();
    },
    end(reason) {
      if (ended) return;
      ended = true;
      cancelAlarm();
      lapsed ??= reason;
    },
  };
}

export function instant(clock: Clock): Instant {
  return { steadyMs: clock.steadyMs(), wallMs: clock.wallMs() };
}
