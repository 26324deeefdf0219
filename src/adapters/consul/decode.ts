import { RegistryError } from "../../ports/registry.ts";
import type { Share } from "../shared-texts.ts";
import { asItIs } from "../shared-texts.ts";

/**
 * Reads what Consul answered without trusting its shape. Each function takes a value and where it stands in the answer,
 * and throws `RegistryError` `unclear` naming that place when it is not what it should be: an entry that cannot be
 * understood spoils the whole answer, because leaving it out would make something that is there look absent.
 */
export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw odd(where, "an object", value);
  return value as Fields;
}

export function list<T>(value: unknown, where: string, item: (value: unknown, where: string) => T): T[] {
  if (!Array.isArray(value)) throw odd(where, "a list", value);
  return value.map((entry: unknown, position) => item(entry, `${where}[${position}]`));
}

/** Go writes an empty list as `null`. */
export function listOrNone<T>(value: unknown, where: string, item: (value: unknown, where: string) => T): T[] {
  return value === null || value === undefined ? [] : list(value, where, item);
}

export function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw odd(where, "a text", value);
  return value;
}

export function filledText(value: unknown, where: string): string {
  if (typeof value !== "string" || value === "") throw odd(where, "a text that is not empty", value);
  return value;
}

export function textOr(value: unknown, where: string, otherwise: string): string {
  return value === undefined || value === null ? otherwise : text(value, where);
}

/** A whole number from 0 up, as counts, ports and indexes are. */
export function wholeNumber(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw odd(where, "a whole number", value);
  return value;
}

/** A map of texts. Built so that a key like `__proto__` stays a key. */
export function texts(value: unknown, where: string, share: Share = asItIs): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = Object.entries(fields(value, where));
  return Object.fromEntries(entries.map(([key, entry]) => [key, share(text(entry, `${where}.${key.slice(0, 60)}`))]));
}

/** Takes control characters out and keeps the first `charactersMax`, for what people read. */
export function plainText(value: string, charactersMax: number): string {
  const plain = value
    .slice(0, charactersMax * 4)
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return plain.length > charactersMax ? `${plain.slice(0, charactersMax - 1)}…` : plain;
}

function odd(where: string, expected: string, value: unknown): RegistryError {
  return new RegistryError(
    "unclear",
    `Consul's answer is not understood: ${where} should be ${expected}, not ${kindOf(value)}`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `the ${typeof value} ${plainText(String(value), 40)}`;
}
