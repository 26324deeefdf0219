/**
 * All time enters through here. `steadyMs` starts near the wall clock and then only moves forward with elapsed time,
 * so a jump of the wall clock neither shortens nor lengthens a delay. `wallMs` is for what people read.
 */
export interface Clock {
  steadyMs(): number;
  wallMs(): number;
  /** Resolves after `ms`, or at once with `aborted` when the signal fires; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<"elapsed" | "aborted">;
  /** Calls back once after `ms` unless cancelled. */
  after(ms: number, callback: () => void): Cancel;
}

export type Cancel = () => void;
