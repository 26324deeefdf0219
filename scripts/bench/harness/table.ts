import Table from "cli-table3";
import type { Result } from "./row.ts";
import { quantile } from "./row.ts";

/** The table for people: one line per row, with the spread of the samples beside the figure. */
export function tableOf(results: readonly Result[]): string {
  const table = new Table({
    head: ["id", "figure", "goal", "", "subject", "reference", "n"],
    style: { head: [], border: [] },
  });
  for (const result of results) {
    const { row, samples, met } = result;
    table.push([
      row.id,
      figureOf(result),
      `≤ ${row.goal}${unitOf(row.unit)}`,
      met ? "met" : "NOT MET",
      spread(samples.map(({ subject }) => subject)),
      row.reference === null ? "—" : spread(samples.flatMap(({ reference }) => reference ?? [])),
      samples.length,
    ]);
  }
  return table.toString();
}

export function figureOf({ row, figure }: Result): string {
  const of = row.quantile === undefined || row.quantile === 0.5 ? "" : `p${row.quantile * 100} `;
  return `${of}${amount(figure)}${unitOf(row.unit)}`;
}

/** What programs read. */
export function jsonOf(results: readonly Result[]): string {
  const rows = results.map(({ row, samples, figure, met }) => ({
    id: row.id,
    goal: row.goal,
    ratio: figure,
    met,
    samples,
    ...(row.unit === undefined ? {} : { unit: row.unit }),
  }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}

/** Median and the middle half. */
function spread(values: readonly number[]): string {
  return `${amount(quantile(values, 0.5))} (${amount(quantile(values, 0.25))}–${amount(quantile(values, 0.75))})`;
}

function unitOf(unit: string | undefined): string {
  return unit === undefined ? " ×" : ` ${unit}`;
}

export function amount(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
