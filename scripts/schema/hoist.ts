import { describe } from "../../src/json/explain-errors.ts";
import { isObject } from "../../src/json/merge-patch.ts";
import type { Json, JsonObject } from "./compile-validator.ts";

/**
 * Moves what stands in a schema more than once to `$defs`, so that the validator has one function for it instead of
 * many copies of the same code. What is expected there stays where it was, for messages about what is around it.
 */
export function hoistRepeated(schema: JsonObject): JsonObject {
  const counts = new Map<string, number>();
  walk(schema, (text) => counts.set(text, (counts.get(text) ?? 0) + 1));
  const names = new Map<string, string>();
  for (const [text, count] of counts) if (count > 1 && text.length > worthwhile) names.set(text, `d${names.size}`);
  const definitions = [...names].map(
    ([text, name]) => [name, replaced(JSON.parse(text) as Json, names, true)] as const,
  );
  return { ...(replaced(schema, names, true) as JsonObject), $defs: Object.fromEntries(definitions) };
}

/** Shorter ones cost less than the call. */
const worthwhile = 60;

function walk(node: Json, visit: (text: string) => void): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item as Json, visit);
    return;
  }
  if (!isObject(node)) return;
  if (isSchema(node)) visit(JSON.stringify(node));
  for (const [key, value] of Object.entries(node)) {
    if (key === "oneOf") for (const kind of value as readonly JsonObject[]) walk(Object.values(kind), visit);
    else if (!stays(key)) walk(value as Json, visit);
  }
}

function replaced(node: Json, names: ReadonlyMap<string, string>, isRoot = false): Json {
  if (Array.isArray(node)) return node.map((item) => replaced(item as Json, names));
  if (!isObject(node)) return node;
  const name = isRoot || !isSchema(node) ? undefined : names.get(JSON.stringify(node));
  if (name !== undefined) return { $ref: `#/$defs/${name}`, expected: describe(node) };
  const child = (key: string, value: Json): Json => {
    if (key === "oneOf") return (value as readonly Json[]).map((kind) => replaced(kind, names, true));
    return stays(key) ? value : replaced(value, names);
  };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, child(key, value as Json)]));
}

function isSchema(node: Readonly<Record<string, unknown>>): boolean {
  return typeof node["type"] === "string" || Array.isArray(node["type"]);
}

/** Errors about names lose the name when they come from a definition. The kinds of `oneOf` stay to be told apart. */
function stays(key: string): boolean {
  return key === "propertyNames";
}
