import type { Clock } from "../../ports/clock.ts";

/** HTTP dates have whole seconds, and an answer takes its way: below this two clocks count as one. */
const toleranceMs = 2_500;

/**
 * Turns times of an engine's clock into times of ours, by the Date header of its answers. Without it a host whose
 * clock is an hour off would give its containers an hour of grace, or none. Small differences are noise and left
 * alone, so that the same instant reads the same each time.
 */
export class EngineClock {
  readonly #clock: Clock;
  #offsetMs = 0;
  #lastSeenMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  observe(date: string | undefined): void {
    const engineMs = Date.parse(date ?? "");
    if (!Number.isFinite(engineMs)) return;
    this.#lastSeenMs = engineMs;
    const offsetMs = this.#clock.steadyMs() - engineMs;
    if (Math.abs(offsetMs) <= toleranceMs) this.#offsetMs = 0;
    else if (Math.abs(offsetMs - this.#offsetMs) > toleranceMs) this.#offsetMs = Math.round(offsetMs);
  }

  /** The engine's own time at its last answer, in whole seconds rounded down; null before the first. */
  lastSeenSeconds(): number | null {
    return this.#lastSeenMs === null ? null : this.#lastSeenMs / 1_000;
  }

  toOurs(engineMs: number): number {
    return engineMs + this.#offsetMs;
  }
}
