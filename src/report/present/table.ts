import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import type { Paint } from "./paint.ts";

/**
 * Columns without lines around them, for any script's width of letters. Where the whole is wider than `columns`, the
 * last column is cut; null: never. Columns in which no row has anything are left out.
 */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | null,
  paint: Paint,
): string {
  const used = head.map((_, column) => column).filter((column) => rows.some((row) => (row[column] ?? "") !== ""));
  const pick = (row: readonly string[]): string[] => used.map((column) => row[column] ?? "");
  const whole = [pick(head).map(paint.faint), ...rows.map(pick)];
  const widths = used.slice(0, -1).map((_, column) => Math.max(...whole.map((row) => plainLength(row[column] ?? ""))));
  const others = widths.reduce((sum, width) => sum + width + gap.length, 0);
  const room = columns === null ? null : Math.max(columns - others, narrowest);
  return blocks(whole)
    .flatMap((block) => draw(block, [...widths, room]))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** The library's time grows faster than its rows; all blocks get the same widths, and so fit under one another. */
function blocks<T>(rows: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(rows.length / rowsPerBlock);
  return Array.from({ length: count }, (_, index) => rows.slice(index * rowsPerBlock, (index + 1) * rowsPerBlock));
}

const rowsPerBlock = 100;

function draw(rows: readonly (readonly string[])[], widths: readonly (number | null)[]): readonly string[] {
  const style = { head: [], border: [], "padding-left": 0, "padding-right": 0 };
  const table = new Table({ chars: borderless, style, colWidths: [...widths] });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split("\n");
}

/** All columns but the last hold numbers and names, which are ASCII by their own rules. */
function plainLength(line: string): number {
  return stripVTControlCharacters(line).length;
}

const gap = "  ";
/** Less than this of the last column says nothing: better to let the terminal wrap. */
const narrowest = 24;

const borderless = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: gap,
};
