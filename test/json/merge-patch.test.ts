import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isObject, mergePatch } from "../../src/json/merge-patch.ts";
import { property } from "../support/property.ts";

const json = fc.jsonValue({ maxDepth: 4 });
const withoutNulls = json.map(clean);

describe("a merge patch", () => {
  // RFC 7386, appendix A.
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("over %j, %j gives %j", (target, patch, merged) => {
    expect(mergePatch(target, patch)).toEqual(merged);
  });

  property([json])("that says nothing changes nothing of an object", (target) => {
    expect(mergePatch(target, {})).toEqual(isObject(target) ? target : {});
  });

  property([json, json])("applied twice is the same as applied once", (target, patch) => {
    const once = mergePatch(target, patch);
    expect(mergePatch(once, patch)).toEqual(once);
  });

  property([withoutNulls, withoutNulls])("wins wherever it speaks", (target, patch) => {
    expect(mergePatch(patch, mergePatch(target, patch))).toEqual(mergePatch(target, patch));
  });

  property([json, json])("changes neither side", (target, patch) => {
    const [targetBefore, patchBefore] = [JSON.stringify(target), JSON.stringify(patch)];
    mergePatch(target, patch);
    expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual([targetBefore, patchBefore]);
  });

  property([withoutNulls, withoutNulls])("exists for every change between two objects", (from, to) => {
    fc.pre(isObject(from) && isObject(to));
    expect(mergePatch(from, difference(from, to))).toEqual(to);
  });
});

/** The patch that RFC 7386 allows for going from one value to another. */
function difference(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return to;
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      Object.hasOwn(to, key) ? difference(Object.hasOwn(from, key) ? from[key] : undefined, to[key]) : null,
    ]),
  );
}

/** A patch cannot set null, so neither side may hold one. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, clean(item)]])),
  );
}
