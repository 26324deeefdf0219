import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { isObject } from "../../src/json/merge-patch.ts";
import { loadValid, webFile } from "../desired/support/load.ts";
import { settingsOf } from "../settings/support.ts";

/** Sections that may be added to a file without meaning anything by themselves. */
const withoutMeaning = /^\/(?:healing|surplus|resync|server|blastRadius|policy|leadership|log)(?:\/|$)/;

describe("the defaults that the schema tells", () => {
  it.each([
    ["that is adopted", { count: 3 }],
    [
      "with a container",
      { count: 3, container: { image: "a", ports: [{ container: 80 }], healthcheck: { command: "true" } } },
    ],
    ["with a check", { count: 3, container: { image: "a" }, health: { tcp: true, port: 80 } }],
    ["with roles", { count: 3, container: { image: "a" }, redis: {}, consul: { tagOverride: true } }],
  ])("are those of a service %s", async (_kind, service) => {
    const schema = await published("desired-state", "properties", "services", "additionalProperties");
    const written = withDefaults(schema, service);
    expect(JSON.stringify(written).length).toBeGreaterThan(JSON.stringify(service).length + 50);
    const [without, within] = [await loadValid(webFile(service)), await loadValid(webFile(written))];
    expect(within.services).toEqual(without.services);
    expect(within.hash).toBe(without.hash);
  });

  it("are those of the settings", async () => {
    const file = {
      environments: { live: {} },
      alerts: {
        channels: {
          ops: { kind: "mail", smtp: "smtp://mail", from: "a@b", to: ["c@d"] },
          hook: { kind: "webhook", url: "http://x" },
        },
        routes: { default: { critical: ["ops"] } },
      },
    };
    const written = withDefaults(await published("settings"), file);
    expect(JSON.stringify(written).length).toBeGreaterThan(JSON.stringify(file).length + 500);
    expect(JSON.stringify(await settingsOf(written))).toBe(JSON.stringify(await settingsOf(file)));
  });
});

async function published(name: string, ...path: readonly string[]): Promise<unknown> {
  let node: unknown = JSON.parse(await readFile(new URL(`../../docs/schema/${name}.v1.json`, import.meta.url), "utf8"));
  for (const step of path) node = field(node, step);
  return node;
}

/** The value with every default of the schema written out, in the sections that it has. */
function withDefaults(schema: unknown, value: unknown, path = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(field(schema, "items"), item, `${path}/[]`));
  if (!isObject(value)) return value;
  const kinds = field(schema, "oneOf");
  const node = Array.isArray(kinds)
    ? kinds.find((kind) => field(field(field(kind, "properties"), "kind"), "const") === value["kind"])
    : schema;
  const properties = field(node, "properties");
  const keys = new Set([...Object.keys(value), ...Object.keys(isObject(properties) ? properties : {})]);
  return Object.fromEntries(
    [...keys].flatMap((key) => {
      const child = field(properties, key) ?? field(node, "additionalProperties");
      const place = `${path}/${key}`;
      if (Object.hasOwn(value, key)) return [[key, withDefaults(child, value[key], place)]];
      const standard = field(child, "default");
      if (standard !== undefined) return [[key, standard]];
      return withoutMeaning.test(place) && isSection(child) ? [[key, withDefaults(child, {}, place)]] : [];
    }),
  );
}

function isSection(schema: unknown): boolean {
  return isObject(field(schema, "properties")) && field(schema, "minProperties") === undefined;
}

function field(node: unknown, key: string): unknown {
  return isObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
}
