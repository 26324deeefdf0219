import { jsonText } from "../report/present/json-text.ts";
import type { Paint } from "../report/present/paint.ts";
import { openPaint } from "../report/present/paint.ts";
import type { Context } from "./command.ts";

/** Writes a report as JSON or as text, as it was asked for. */
export function printReport<T>(
  { terminal, json }: Context,
  report: T,
  text: (report: T, paint: Paint, columns: number | null) => string,
): void {
  terminal.out(json ? jsonText(report) : text(report, openPaint(terminal.outColours), terminal.outColumns));
}
