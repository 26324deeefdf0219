import { isObject } from "../../src/json/merge-patch.ts";
import type { Json, JsonObject } from "./compile-validator.ts";

/** For editors: our own keywords are left out, since others do not know them. */
export function publishedSchema(schema: unknown, id: string): JsonObject {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", $id: id, ...asObject(without(schema, ours)) };
}

/** For the validator and its messages: what only people read is left out, and what a keyword of ours checks better. */
export function runtimeSchema(schema: unknown): JsonObject {
  return asObject(without(schema, forPeople));
}

const ours: ReadonlySet<string> = new Set(["expected", "sensitive", "durationMs", "sizeBytes", "distinct"]);
const forPeople: ReadonlySet<string> = new Set(["title", "description", "default", "examples", "uniqueItems"]);

/** Keys of a `properties` object are names, not keywords, and all stay. */
function without(node: unknown, keywords: ReadonlySet<string>, areNames = false): Json {
  if (Array.isArray(node)) return node.map((item) => without(item, keywords));
  if (!isObject(node)) return node as Json;
  const checkedByUs = !areNames && keywords === forPeople && ("durationMs" in node || "sizeBytes" in node);
  const kept = Object.entries(node).filter(
    ([key]) => areNames || !(keywords.has(key) || (checkedByUs && key === "pattern")),
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [key, without(value, keywords, !areNames && key === "properties")]),
  );
}

function asObject(json: Json): JsonObject {
  if (!isObject(json)) throw new Error("a schema is an object");
  return json as JsonObject;
}
