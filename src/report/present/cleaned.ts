import { cleanText } from "../../model/clean-text.ts";

/**
 * The same report with every text in it fit for a terminal: one line, no control characters, at most `textBytesMax`
 * bytes. Done once to the whole, so that no field can be forgotten where it is printed.
 */
export function cleaned<T>(report: T): T {
  return clean(report) as T;
}

const textBytesMax = 1_000;

function clean(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value, textBytesMax);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(clean);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [cleanText(key, textBytesMax), clean(part)]));
}
