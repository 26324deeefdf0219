import { readFile } from "node:fs/promises";
import { describe } from "../../src/json/explain-errors.ts";
import type { SchemaNode } from "../../src/json/explain-errors.ts";

/** What the pages show besides what explaining errors needs. */
interface Documented extends SchemaNode {
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Documented>>;
  readonly additionalProperties?: Documented | boolean;
  readonly items?: Documented;
  readonly oneOf?: readonly Documented[];
}

/**
 * A page of `docs/`: the words of `scripts/schema/pages/NAME.md`, with one table for each object of the schema where
 * `<!-- reference -->` stands.
 */
export async function referencePage(name: string, schema: unknown): Promise<string> {
  const words = await readFile(new URL(`pages/${name}.md`, import.meta.url), "utf8");
  const tables = sections("", schema as Documented).map(table);
  return words.replace("<!-- reference -->", () => tables.join("\n"));
}

interface Section {
  /** Where the object stands: `services.NAME.health`. */
  readonly path: string;
  readonly schema: Documented;
}

/** Every object with fields, an object before those within it. Sections that stand in two places are told once. */
function sections(path: string, schema: Documented, seen: Set<string> = new Set()): readonly Section[] {
  const found: Section[] = [];
  if (schema.properties !== undefined && !seen.has(JSON.stringify(schema))) {
    seen.add(JSON.stringify(schema));
    found.push({ path, schema });
  }
  for (const [key, child] of Object.entries(schema.properties ?? {}))
    found.push(...within(join(path, key), child, seen));
  return found;
}

function within(path: string, schema: Documented, seen: Set<string>): readonly Section[] {
  if (schema.oneOf !== undefined)
    return schema.oneOf.flatMap((kind) => sections(`${path} (${kind.title ?? ""})`, kind, seen));
  if (schema.items !== undefined) return within(`${path}[]`, schema.items, seen);
  if (typeof schema.additionalProperties === "object")
    return within(join(path, "NAME"), schema.additionalProperties, seen);
  return isReference(schema) ? [] : sections(path, schema, seen);
}

/** References to secrets are told once, in the words of the page. */
function isReference(schema: Documented): boolean {
  return schema.properties?.["file"] !== undefined && schema.properties["env"] !== undefined;
}

function table({ path, schema }: Section): string {
  const rows = Object.entries(schema.properties ?? {}).map(([key, field]) => row(key, field, schema));
  const heading = path === "" ? "The file" : `\`${path}\``;
  return `### ${heading}\n\n${schema.description ?? ""}\n\n| field | is | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

function row(key: string, field: Documented, parent: Documented): string {
  const needed = parent.required?.includes(key) === true;
  const standard = field.default === undefined ? "" : `\`${JSON.stringify(field.default)}\``;
  const example = field.examples?.[0] === undefined ? "" : ` Example: \`${JSON.stringify(field.examples[0])}\``;
  const cells = [`\`${key}\``, typeOf(field), needed ? "**needed**" : standard, `${field.description ?? ""}${example}`];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function typeOf(field: Documented): string {
  if (field.properties !== undefined && !isReference(field)) return "object, see below";
  if (typeof field.additionalProperties === "object") return "object by name";
  if (field.items?.properties !== undefined) return "list, see below";
  return describe(field);
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
