import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { KeywordCxt } from "ajv/dist/2020.js";
import { _ } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { build } from "esbuild";
import { repeatedAt } from "../../src/json/repeated.ts";
import { parseDuration } from "../../src/model/duration.ts";
import { parseSize } from "../../src/model/size.ts";

/** JSON, as far as schemas are walked here. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** One self-contained ES module that exports `validate`: nothing is compiled or loaded besides when the program starts. */
export async function compileValidator(schema: JsonObject): Promise<string> {
  const ajv = new Ajv2020({
    allErrors: true,
    messages: false,
    verbose: true,
    inlineRefs: false,
    discriminator: true,
    strict: true,
    strictRequired: false,
    strictTypes: true,
    allowUnionTypes: true,
    code: { source: true, esm: true, lines: true },
  });
  for (const keyword of annotations) ajv.addKeyword(keyword);
  ajv.addKeyword({
    keyword: "durationMs",
    type: "string",
    schemaType: "array",
    code: (context) => failUnlessWithin(context, parseDuration, "duration.ts"),
  });
  ajv.addKeyword({
    keyword: "sizeBytes",
    type: "string",
    schemaType: "array",
    code: (context) => failUnlessWithin(context, parseSize, "size.ts"),
  });
  ajv.addKeyword({
    keyword: "distinct",
    type: "array",
    schemaType: "boolean",
    error: { message: "", params: ({ params }) => _`{i: ${params["i"]}}` },
    code: failWhenRepeated,
  });
  return bundled(standalone.default(ajv, ajv.compile(schema)));
}

const annotations = ["expected", "sensitive"];

function failUnlessWithin(
  context: KeywordCxt,
  parse: (text: string) => number | null,
  file: "duration.ts" | "size.ts",
): void {
  const { gen, data, schema } = context;
  const [min, max] = schema as readonly [number, number];
  const code = file === "duration.ts" ? _`require("./duration.ts").parseDuration` : _`require("./size.ts").parseSize`;
  const value = gen.const("value", _`${gen.scopeValue("func", { ref: parse, code })}(${data})`);
  context.fail(_`${value} === null || ${value} < ${min} || ${value} > ${max}`);
}

function failWhenRepeated(context: KeywordCxt): void {
  const repeated = context.gen.scopeValue("func", {
    ref: repeatedAt,
    code: _`require("../json/repeated.ts").repeatedAt`,
  });
  const at = context.gen.const("at", _`${repeated}(${context.data})`);
  context.setParams({ i: at });
  context.fail(_`${at} !== -1`);
}

/** What ajv writes still has `require` in it, which a module cannot do. */
async function bundled(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL("../../src/model", import.meta.url)) },
    // Paths in the output begin here, whatever directory this is run in.
    absWorkingDir: fileURLToPath(new URL("../../", import.meta.url)),
    bundle: true,
    format: "esm",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    treeShaking: true,
    write: false,
    logLevel: "warning",
  });
  return `${outputFiles[0]?.text ?? ""}`;
}
