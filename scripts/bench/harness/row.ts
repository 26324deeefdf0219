import type { Say } from "../../machine/processes.ts";

/** One line of the table: something measured against its reference in the same run, and the goal set for it. */
export interface Row {
  readonly id: string;
  readonly what: string;
  /** What it is measured against, or null for a row in absolute terms. */
  readonly reference: string | null;
  /** The figure must not exceed this: a ratio, or an amount of `unit`. */
  readonly goal: number;
  /** Of an absolute row; its reference, if any, is shown beside it and not divided by. */
  readonly unit?: string;
  /** Which part of the samples is compared: 0.5 is the median (the default), 1 the largest. */
  readonly quantile?: number;
  /** Rejects with `NotMeasured` where the machine lacks what it needs. */
  run(context: Context): Promise<Samples>;
}

/** What one turn gave; `reference` was measured right beside it. Units are the row's own, the same on both sides. */
export interface Sample {
  readonly subject: number;
  readonly reference?: number;
}

export type Samples = readonly Sample[];

export interface Context {
  /** Fewer turns and smaller fleets: for looking, not for publishing. */
  readonly quick: boolean;
  readonly say: Say;
  /** Several rows may be read off one measurement: the first that asks makes it. */
  once<T>(name: string, measure: () => Promise<T>): Promise<T>;
  /** Undone in reverse when all rows have run, whatever becomes of them. */
  undo(name: string, work: () => Promise<void> | void): void;
}

export class NotMeasured extends Error {
  override readonly name = "NotMeasured";
}

export interface Result {
  readonly row: Row;
  readonly samples: Samples;
  /** Subject by reference, or the subject's own amount. */
  readonly figure: number;
  readonly met: boolean;
}

/** The figure of a row's samples: quantile by quantile, so that an outlier on one side does not pass for a ratio. */
export function resultOf(row: Row, samples: Samples): Result {
  const at = row.quantile ?? 0.5;
  const subject = quantile(
    samples.map((one) => one.subject),
    at,
  );
  const references = samples.flatMap(({ reference }) => (reference === undefined ? [] : [reference]));
  const isAbsolute = row.unit !== undefined;
  if (!isAbsolute && references.length === 0) throw new Error(`${row.id} measured no reference`);
  const figure = isAbsolute ? subject : subject / quantile(references, at);
  return { row, samples, figure, met: figure <= row.goal };
}

/** The nearest rank; NaN of nothing. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(at * sorted.length) - 1)] ?? Number.NaN;
}
