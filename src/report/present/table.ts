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
  const others = Math.max(...draw(whole.map((row) => row.slice(0, -1))).map(plainLength)) + gap.length;
  const room = columns === null ? null : Math.max(columns - others, narrowest);
  return draw(whole, room === null ? [] : [...used.slice(1).map(() => null), room])
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function draw(rows: readonly string[][], widths: readonly (number | null)[] = []): readonly string[] {
  const style = { head: [], border: [], "padding-left": 0, "padding-right": 0 };
  const table = new Table({ chars: borderless, style, colWidths: [...widths] });
  table.push(...rows);
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
