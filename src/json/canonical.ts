import { createHash } from "node:crypto";
import { isObject } from "./merge-patch.ts";

/** Hash of a value's content: 16 hexadecimal digits of SHA-256 over its canonical form. */
export function contentHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 16);
}

/**
 * One writing for one content: keys sorted, and what is null, false or empty left out, so that a field that a later
 * version adds with such a default does not change the hash of what was there before.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value)) ?? "null";
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => canonical(item));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, canonical(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => !isBlank(item)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
