import pico from "picocolors";
import type { Status } from "../../model/status.ts";
import { statusWord } from "../../model/status.ts";

/** Colours for a terminal, or none of them. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  wary(text: string): string;
  bad(text: string): string;
  unsure(text: string): string;
}

export function openPaint(colours: boolean): Paint {
  const { bold, dim, green, yellow, red, magenta } = pico.createColors(colours);
  return { strong: bold, faint: dim, good: green, wary: yellow, bad: red, unsure: magenta };
}

/** `CRITICAL`, in its colour, padded to the longest of the words. */
export function statusLabel(status: Status, paint: Paint): string {
  return byStatus(paint, status)(statusWord(status).toUpperCase().padEnd("CRITICAL".length));
}

export function byStatus(paint: Paint, status: Status): (text: string) => string {
  const colours = [paint.good, paint.wary, paint.bad, paint.unsure] as const;
  return colours[status];
}
