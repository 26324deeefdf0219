/** A server (Docker, Swarm) answered with something other than its API promises; the message names the field. */
export class UnreadableAnswer extends Error {
  override readonly name = "UnreadableAnswer";
}

export type Json = Readonly<Record<string, unknown>>;

/** Readers of single fields of an answer that is not to be believed. Each throws `UnreadableAnswer` naming `field`. */
export function asRecord(value: unknown, field: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value))
    return value as Json;
  throw unreadable(value, field, "an object");
}

export function asList(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(value, field, "a list");
}

export function asText(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw unreadable(value, field, "a text");
}

export function asNumber(value: unknown, field: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw unreadable(value, field, "a number");
}

/** The engine writes `null` for a map that is empty. */
export function asTextMap(value: unknown, field: string): Readonly<Record<string, string>> {
  if (value === null || value === undefined) return {};
  const record = asRecord(value, field);
  for (const [key, text] of Object.entries(record)) asText(text, `${field}.${key}`);
  return record as Readonly<Record<string, string>>;
}

export function asOptional<T>(value: unknown, field: string, read: (value: unknown, field: string) => T): T | null {
  return value === null || value === undefined ? null : read(value, field);
}

/** An instant as the engine writes it, in milliseconds of the engine's clock; null for its zero time. */
export function asInstantMs(value: unknown, field: string): number | null {
  const text = asText(value, field);
  if (text === "" || text.startsWith("0001-")) return null;
  const atMs = Date.parse(text);
  if (Number.isFinite(atMs)) return atMs;
  throw unreadable(value, field, "a time");
}

function unreadable(value: unknown, field: string, expected: string): UnreadableAnswer {
  const found = value === undefined ? "missing" : JSON.stringify(value)?.slice(0, 60);
  return new UnreadableAnswer(`${field} is ${found} instead of ${expected}`);
}
