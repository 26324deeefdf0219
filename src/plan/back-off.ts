import type { BackOff, SlotMemory } from "../model/memory.ts";
import type { Tuning } from "../model/tuning.ts";

/**
 * The delay after one more failure: `initialMs` at first, doubling up to `maxMs`. A slot's runs from attempt to
 * attempt: its first failure is answered at once, and a start is never sooner after the one before it than this says.
 */
export function nextBackOff(last: BackOff | null, nowMs: number, tuning: Tuning, because: string): BackOff {
  const { initialMs, maxMs } = tuning.backOff;
  const delayMs = last === null ? initialMs : Math.min(maxMs, last.delayMs * 2);
  return { delayMs, untilMs: nowMs + delayMs, because };
}

/**
 * The slot's memory after one more failure: in quarantine when that was one too many within the window, or when trying
 * again is `hopeless`. From there it is tried once per `retryMs`, until it has been healthy for long enough.
 */
export function afterFailure(
  slot: SlotMemory,
  nowMs: number,
  tuning: Tuning,
  because: string,
  hopeless = false,
): SlotMemory {
  const { failures, windowMs, retryMs } = tuning.quarantine;
  const failuresAtMs = [...slot.failuresAtMs.filter((atMs) => nowMs - atMs < windowMs), nowMs].slice(-failures);
  const quarantined = hopeless || slot.quarantinedAtMs !== null || failuresAtMs.length >= failures;
  const backOff = nextBackOff(slot.backOff, nowMs, tuning, because);
  const delayMs = Math.max(backOff.delayMs, retryMs);
  return {
    ...slot,
    failuresAtMs,
    backOff: quarantined ? { delayMs, untilMs: nowMs + delayMs, because } : backOff,
    failedHosts: slot.host === null ? slot.failedHosts : [...slot.failedHosts, slot.host].slice(-failures),
    quarantinedAtMs: quarantined ? (slot.quarantinedAtMs ?? nowMs) : null,
    healthySinceMs: null,
  };
}

/**
 * The slot once it is known that its start happened, at `atMs`. A start may be sent long after it was decided (Memory
 * could not be written, an answer was lost), and the next one keeps its distance from when it was sent.
 */
export function afterStart(slot: SlotMemory, atMs: number): SlotMemory {
  if (slot.backOff === null) return slot;
  const untilMs = atMs + slot.backOff.delayMs;
  return untilMs <= slot.backOff.untilMs ? slot : { ...slot, backOff: { ...slot.backOff, untilMs } };
}

export interface Wait {
  readonly heldBy: "back-off" | "quarantine";
  readonly reason: string;
  readonly untilMs: number;
}

/** Why the slot must wait, or null when it may be tried now. Another specification is a new chance. */
export function waitOf(slot: SlotMemory, specHash: string | null, nowMs: number): Wait | null {
  if (slot.specHash !== null && slot.specHash !== specHash) return null;
  if (slot.backOff === null || nowMs >= slot.backOff.untilMs) return null;
  const { because, untilMs } = slot.backOff;
  const seconds = Math.ceil((untilMs - nowMs) / 1000);
  return slot.quarantinedAtMs === null
    ? { heldBy: "back-off", reason: `it failed before (${because}); next try in ${seconds} s`, untilMs }
    : {
        heldBy: "quarantine",
        reason: `it keeps failing (${because}); tried once more in ${seconds} s, or at once after \`heal resume\``,
        untilMs,
      };
}

/** What is left of the failures once an instance has been healthy for `forgetAfterMs`. */
export function forgetFailures(slot: SlotMemory, nowMs: number, tuning: Tuning): SlotMemory {
  const healthyForMs = slot.healthySinceMs === null ? 0 : nowMs - slot.healthySinceMs;
  if (healthyForMs < tuning.backOff.forgetAfterMs) return slot;
  if (slot.backOff === null && slot.failuresAtMs.length === 0) return slot;
  return withoutFailures(slot);
}

/** The slot with a clean record: another specification, or long enough in good health. */
export function withoutFailures(slot: SlotMemory): SlotMemory {
  return { ...slot, backOff: null, failuresAtMs: [], failedHosts: [], quarantinedAtMs: null };
}
