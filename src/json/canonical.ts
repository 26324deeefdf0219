import { createHash } from "node:crypto";

/** Hash of a value's content: 16 hexadecimal digits of SHA-256 over its canonical form. */
export function contentHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 16);
}

/**
 * One writing for one content: keys sorted, and fields left out that are null, false or empty, so that a field that a
 * later version adds with such a default does not change the hash of what was there before.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(",")}]`;
  let fields = "";
  for (const key of Object.keys(value).sort()) {
    const text = canonicalJson((value as Readonly<Record<string, unknown>>)[key]);
    if (!blank.has(text)) fields += `${fields === "" ? "" : ","}${JSON.stringify(key)}:${text}`;
  }
  return `{${fields}}`;
}

const blank: ReadonlySet<string> = new Set(["null", "false", "[]", "{}"]);
