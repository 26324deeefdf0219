import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadDesiredState } from "../../src/desired/load-desired-state.ts";
import type { LoadedDesiredState } from "../../src/desired/load-desired-state.ts";
import { options } from "../desired/support/load.ts";
import { memoryFiles } from "../desired/support/memory-files.ts";
import { garbage, mutated, parameters, testTimeoutMs, torn } from "./support.ts";

const shop = readFileSync(new URL("../fixtures/shop/desired-state/common/shop.json", import.meta.url), "utf8");
const example: unknown = JSON.parse(shop);

describe("a desired-state file", () => {
  it(
    "of any JSON is valid or wrong at a place",
    () => check(fc.oneof(garbage, fc.jsonValue()), (value) => ({ "/state/a.json": JSON.stringify(value) })),
    testTimeoutMs,
  );

  it(
    "of any bytes is valid or wrong at a place",
    () => check(fc.oneof(fc.uint8Array({ maxLength: 500 }), torn(shop)), (bytes) => ({ "/state/a.json": bytes })),
    testTimeoutMs,
  );

  it(
    "that was right before somebody changed it is valid or wrong at a place",
    () => check(mutated(example), (value) => ({ "/state/a.json": JSON.stringify(value, null, 1) })),
    testTimeoutMs,
  );

  it(
    "laid over another is valid or wrong at a place in one of the two",
    () =>
      check(fc.tuple(fc.oneof(fc.constant(example), mutated(example)), mutated(example)), ([below, above]) => ({
        "/state/a.json": JSON.stringify(below),
        "/live/a.json": JSON.stringify(above),
      })),
    testTimeoutMs,
  );

  it(
    "that is valid gives services without any gap",
    async () => {
      let valid = 0;
      await fc.assert(
        fc.asyncProperty(mutated(example), async (value) => {
          const loaded = await load({ "/state/a.json": JSON.stringify(value) });
          if (loaded.kind === "invalid") return;
          valid++;
          expect(gapsIn(loaded.desired)).toEqual([]);
        }),
        parameters,
      );
      // A property that never gets to its point would hold of anything.
      expect(valid).toBeGreaterThan(0);
    },
    testTimeoutMs,
  );
});

async function check<T>(
  inputs: fc.Arbitrary<T>,
  filesOf: (input: T) => Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      const files = filesOf(input);
      const loaded = await load(files);
      if (loaded.kind === "valid") return;
      expect(loaded.problems.length).toBeGreaterThan(0);
      expect(loaded.problems.length).toBeLessThanOrEqual(100);
      for (const { file, line, column, message } of loaded.problems) {
        expect(Object.keys(files)).toContain(file);
        expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
        expect(message.length).toBeGreaterThan(0);
        expect(message.length).toBeLessThan(1_000);
      }
    }),
    parameters,
  );
}

function load(files: Readonly<Record<string, string | Uint8Array>>): Promise<LoadedDesiredState> {
  const directories = [...new Set(Object.keys(files).map((file) => file.slice(0, file.lastIndexOf("/"))))];
  return loadDesiredState(memoryFiles(files), { ...options, desiredState: directories });
}

/** Places of what the planner could not work with: undefined and numbers that are none. */
function gapsIn(value: unknown, path = ""): readonly string[] {
  if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => gapsIn(item, `${path}/${key}`));
}
