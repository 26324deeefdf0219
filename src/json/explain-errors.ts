import type { ErrorObject } from "ajv";
import { closest } from "../model/closest.ts";
import type { Finding, JsonPath } from "./finding.ts";
import { shown } from "./scan-text.ts";

/** A node of a JSON Schema, as far as explaining needs it. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  /** Ours: what a person would call the value; says more than type and pattern. */
  readonly expected?: string;
  /** Ours: never show what stands there. */
  readonly sensitive?: boolean;
}

/**
 * Turns the validator's errors into sentences that name what stands there and what was expected. The validator is one
 * that hands on the part of the schema that failed and the data it was given (`verbose`).
 */
export function explainErrors(errors: readonly ErrorObject[]): readonly Finding[] {
  const told = new Map<string, Finding>();
  for (const error of errors) {
    const found = explain(error);
    // A number in place of one of several texts fails by its type and by its value: once is enough.
    const key = JSON.stringify([found?.path, found?.expected]);
    if (found !== null && !told.has(key)) told.set(key, found);
  }
  return [...told.values()];
}

function explain(error: ErrorObject): Finding | null {
  const path = pathOf(error.instancePath);
  const node = (error.parentSchema ?? {}) as SchemaNode;
  const value: unknown = error.data;
  const params = error.params as Readonly<Record<string, unknown>>;
  const at = (message: string): Finding => ({ path, at: "value", message, expected: describe(node) });
  switch (error.keyword) {
    case "if":
    case "propertyNames":
      return null;
    case "additionalProperties":
      return unknownKey(path, String(params["additionalProperty"]), Object.keys(node.properties ?? {}));
    case "required": {
      const key = String(params["missingProperty"]);
      const wanted = node.properties?.[key];
      return {
        path,
        at: "value",
        message: `${shown(key)} is missing here`,
        expected: wanted ? describe(wanted) : null,
      };
    }
    case "discriminator": {
      const key = String(params["tag"]);
      const tags = (node.oneOf ?? []).flatMap(({ properties }) => properties?.[key]?.const ?? []).map(String);
      const tag = params["tagValue"];
      if (tag === undefined)
        return { path, at: "value", message: `${shown(key)} is missing here`, expected: oneOf(tags) };
      return { path: [...path, key], at: "value", message: notAmong(tag, tags), expected: oneOf(tags) };
    }
    case "enum":
      return at(notAmong(value, (node.enum ?? []).map(String)));
    case "distinct":
      return {
        path: [...path, Number(params["i"])],
        at: "value",
        message: "stands in this list twice",
        expected: "each once",
      };
    case "type":
      return at(node.sensitive === true ? `${nounOf(value)} may not stand here` : `${nounOf(value)} stands here`);
    case "maxProperties":
    case "minProperties":
    case "maxItems":
    case "minItems":
    case "maxLength":
    case "minLength":
      return { path, at: "value", ...sizeProblem(error.keyword, Number(params["limit"]), node) };
    default:
      break;
  }
  if (error.propertyName !== undefined) {
    return {
      path: [...path, error.propertyName],
      at: "key",
      message: `${shown(error.propertyName)} cannot be a name here`,
      expected: describe(node),
    };
  }
  return at(node.sensitive === true ? "this is not usable" : `${shownValue(value)} is not usable here`);
}

function unknownKey(path: JsonPath, key: string, known: readonly string[]): Finding {
  const meant = closest(key, known);
  const message =
    meant === null ? `unknown key ${shown(key)}` : `unknown key ${shown(key)}: did you mean ${shown(meant)}?`;
  return {
    path: [...path, key],
    at: "key",
    message,
    expected: known.length === 0 ? null : `one of ${known.join(", ")}`,
  };
}

function notAmong(value: unknown, known: readonly string[]): string {
  const meant = typeof value === "string" ? closest(value, known) : null;
  return `${shownValue(value)} is not known here${meant === null ? "" : `: did you mean ${shown(meant)}?`}`;
}

/** What a person would write there, from the schema. */
export function describe(node: SchemaNode): string {
  if (node.expected !== undefined) return node.expected;
  if (node.enum !== undefined) return oneOf(node.enum.map(String));
  if (node.const !== undefined) return JSON.stringify(node.const);
  const types = typeof node.type === "string" ? [node.type] : (node.type ?? []);
  return types.map((type) => describeType(type, node)).join(" or ");
}

function describeType(type: string, node: SchemaNode): string {
  switch (type) {
    case "integer":
    case "number": {
      const noun = type === "integer" ? "a whole number" : "a number";
      if (node.minimum !== undefined && node.maximum !== undefined)
        return `${noun} from ${node.minimum} to ${node.maximum}`;
      return node.minimum === undefined ? noun : `${noun}, at least ${node.minimum}`;
    }
    case "boolean":
      return "true or false";
    case "array":
      return node.items === undefined ? "a list" : `a list of ${describe(node.items)}`;
    case "object":
      return "an object";
    case "string":
      return "text";
    default:
      return type;
  }
}

function oneOf(words: readonly string[]): string {
  return words.length === 1 ? `${shown(words[0] ?? "")}` : `one of ${words.map((word) => shown(word)).join(", ")}`;
}

function nounOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return "text";
  return typeof value === "number" ? "a number" : String(value);
}

function sizeProblem(keyword: string, limit: number, node: SchemaNode): Pick<Finding, "message" | "expected"> {
  const [bound, noun] = [keyword.slice(0, 3), sizeNouns[keyword.slice(3)] ?? ""];
  const message = bound === "max" ? `has too many ${noun}` : `has too few ${noun}`;
  const bounds = `at ${bound === "max" ? "most" : "least"} ${limit}`;
  if (node.expected === undefined) return { message, expected: bounds };
  return { message, expected: limit <= 1 ? node.expected : `${node.expected}, ${bounds}` };
}

const sizeNouns: Readonly<Record<string, string>> = { Length: "characters", Items: "entries", Properties: "keys" };

function shownValue(value: unknown): string {
  if (typeof value === "string") return shown(value);
  return typeof value === "number" || typeof value === "boolean" || value === null ? String(value) : nounOf(value);
}

/** Decodes a JSON pointer. List positions stay text: looking them up works all the same. */
function pathOf(pointer: string): JsonPath {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
