import { Type } from "typebox";
import type { Static, TProperties, TSchema } from "typebox";
import { durationPattern, formatDuration, parseDuration } from "../model/duration.ts";
import { formatSize, sizePattern } from "../model/size.ts";

/**
 * Building blocks of both schemas. Only the generator imports this file at run time: the program uses the types, and
 * the validators compiled from it. `expected`, `sensitive`, `durationMs`, `sizeBytes` and `distinct` are ours.
 */
export function object<P extends TProperties>(properties: P, options: Annotations = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

export interface Annotations {
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  /** What a person would call a right value. */
  readonly expected?: string;
  /** Never shown in a message. */
  readonly sensitive?: boolean;
}

export const optional = Type.Optional;

export function duration(min: string, max: string, options: Annotations) {
  const range: readonly [number, number] = [msOf(min), msOf(max)];
  const like = String(options.default ?? options.examples?.[0] ?? "1m30s");
  return Type.String({
    pattern: durationPattern,
    durationMs: range,
    expected: `a duration from ${formatDuration(range[0])} to ${formatDuration(range[1])}, such as ${like}`,
    ...options,
  });
}

export function size(minBytes: number, maxBytes: number, options: Annotations) {
  return Type.String({
    pattern: sizePattern,
    sizeBytes: [minBytes, maxBytes],
    expected: `a size from ${formatSize(minBytes)} to ${formatSize(maxBytes)}, such as ${String(options.examples?.[0] ?? "256MiB")}`,
    ...options,
  });
}

/** Text of one line. */
export function line(lengthMax: number, options: Annotations = {}) {
  return Type.String({
    minLength: 1,
    maxLength: lengthMax,
    pattern: "^[^\\n\\r\\t]*$",
    expected: "text of one line",
    ...options,
  });
}

export function matching(pattern: string, expected: string, options: Annotations = {}) {
  return Type.String({ minLength: 1, maxLength: 512, pattern, expected, ...options });
}

export function integer(minimum: number, maximum: number, options: Annotations) {
  return Type.Integer({ minimum, maximum, ...options });
}

export function choice<const V extends readonly string[]>(values: V, options: Annotations) {
  return Type.Unsafe<V[number]>({ type: "string", enum: [...values], ...options });
}

export function list<T extends TSchema>(items: T, maxItems: number, options: ListAnnotations) {
  return Type.Array(items, { maxItems, ...(options.uniqueItems === true ? { distinct: true } : {}), ...options });
}

export interface ListAnnotations extends Annotations {
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
}

/** An object whose keys are the reader's own names. */
export function map<V extends TSchema>(keys: TSchema, values: V, maxProperties: number, options: MapAnnotations) {
  return Type.Unsafe<Readonly<Record<string, Static<V>>>>({
    type: "object",
    propertyNames: keys,
    additionalProperties: values,
    maxProperties,
    ...options,
  });
}

export interface MapAnnotations extends Annotations {
  readonly minProperties?: number;
}

/** Text, or an object in its place. Written so that a wrong value is held against the one that was meant. */
export function textOr<T extends TSchema>(lengthMax: number, other: T, options: Annotations) {
  return Type.Unsafe<string | Static<T>>({
    type: ["string", "object"],
    maxLength: lengthMax,
    if: { type: "object" },
    // oxlint-disable-next-line no-thenable -- a keyword of JSON Schema
    then: other,
    ...options,
  });
}

/** Exactly one of several keys, by which the kind of thing is told. */
export function exactlyOne<P extends TProperties>(properties: P, options: Annotations) {
  return Type.Object(properties, { additionalProperties: false, minProperties: 1, maxProperties: 1, ...options });
}

export const namePattern = "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$";
export const nameExpected = "lower-case letters, digits and inner hyphens, at most 63";

function msOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new Error(`${text} is not a duration`);
  return ms;
}
