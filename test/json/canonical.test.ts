import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, contentHash } from "../../src/json/canonical.ts";
import { isObject } from "../../src/json/merge-patch.ts";
import { property } from "../support/property.ts";

describe("the hash of a content", () => {
  it("is 16 hexadecimal digits that never change for the same content", () => {
    expect(contentHash({ image: "shop/web:1.4.2", command: ["serve"] })).toBe("fa53e1a886074cf3");
  });

  property([fc.jsonValue()])("does not depend on the order of keys", (value) => {
    expect(contentHash(reversed(value))).toBe(contentHash(value));
  });

  it("does not change with a field that is null, false or empty, so that a later version may add one", () => {
    const now = { image: "a", ports: [8000] };
    const later = { ...now, devices: [], runtimeClass: null, readOnly: false, options: { more: {} } };
    expect(contentHash(later)).toBe(contentHash(now));
  });

  it.each([
    [{ count: 0 }, {}],
    [{ a: "" }, {}],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: "1" }, { a: 1 }],
    [{ a: true }, {}],
  ])("tells %j from %j", (one, other) => {
    expect(contentHash(one)).not.toBe(contentHash(other));
  });

  it("is taken over sorted keys", () => {
    expect(canonicalJson({ b: 1, a: { d: 2, c: [{ f: 3, e: 4 }] } })).toBe('{"a":{"c":[{"e":4,"f":3}],"d":2},"b":1}');
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
