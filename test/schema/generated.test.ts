import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { outputs } from "../../scripts/schema/outputs.ts";

const root = new URL("../../", import.meta.url);

describe("what is generated from the schemas", async () => {
  const expected = await outputs();
  const validators = expected
    .filter(({ path }) => path.endsWith("validate.js"))
    .map(({ path, text }) => [path, text] as const);

  it("has these files", () => {
    expect(expected.map(({ path }) => path)).toEqual([
      "docs/schema/desired-state.v1.json",
      "src/desired/generated/validate.js",
      "src/desired/generated/validate.d.ts",
      "docs/desired-state.md",
      "docs/schema/settings.v1.json",
      "src/settings/generated/validate.js",
      "src/settings/generated/validate.d.ts",
      "docs/settings.md",
    ]);
  });

  it.each(expected)("is up to date in $path (else run: npx tsx scripts/schema/generate.ts)", async ({ path, text }) => {
    expect(await readFile(new URL(path, root), "utf8")).toBe(text);
  });

  it.each(validators)("is a module that needs nothing else: %s", async (_path, text) => {
    const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`)) as {
      readonly validate: (data: unknown) => boolean;
    };
    expect(module.validate({ services: { web: { count: 3 } } })).not.toBe(
      module.validate({ environments: { live: {} } }),
    );
    expect(module.validate([])).toBe(false);
  });
});

describe("the published schema", () => {
  const cases = [
    ["desired-state", ["desired-state/demo.json", "test/fixtures/shop/desired-state/common/shop.json"]],
    ["settings", ["test/fixtures/shop/heal.json"]],
  ] as const;

  it.each(cases)(
    "of %s is valid by itself and takes the examples, for editors that know nothing of us",
    async (name, files) => {
      const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, discriminator: true });
      const validate = ajv.compile(
        JSON.parse(await readFile(new URL(`docs/schema/${name}.v1.json`, root), "utf8")) as object,
      );
      for (const file of files) {
        validate(JSON.parse(await readFile(new URL(file, root), "utf8")));
        expect(validate.errors).toBeNull();
      }
      expect(validate({ services: { web: { count: "3" } }, environments: 3 })).toBe(false);
    },
  );

  it.each(cases)("of %s describes every field", async (name) => {
    const schema: unknown = JSON.parse(await readFile(new URL(`docs/schema/${name}.v1.json`, root), "utf8"));
    expect(undescribed(schema, "")).toEqual([]);
  });
});

/** Fields that an editor would have nothing to say about. */
function undescribed(node: unknown, path: string): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((item, index) => undescribed(item, `${path}/${index}`));
  if (typeof node !== "object" || node === null) return [];
  const fields =
    "properties" in node && typeof node.properties === "object" && node.properties !== null ? node.properties : {};
  const bare = Object.entries(fields).filter(
    ([, field]) => typeof (field as { description?: unknown }).description !== "string",
  );
  return [
    ...bare.map(([key]) => `${path}/${key}`),
    ...Object.entries(node).flatMap(([key, child]) => undescribed(child, `${path}/${key}`)),
  ];
}
