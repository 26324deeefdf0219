import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { closest } from "../../src/model/closest.ts";

describe("the closest name", () => {
  it.each([
    ["cuont", "count"],
    ["helth", "health"],
    ["Web", "web"],
    ["conatiner", "container"],
    ["lvie", "live"],
  ])("to %s is %s", (word, meant) => {
    expect(closest(word, ["count", "health", "web", "container", "live", "test"])).toBe(meant);
  });

  it.each(["zebra", "x", ""])("to %j is none", (word) => {
    expect(closest(word, ["count", "health", "container"])).toBeNull();
  });

  test.prop([fc.string(), fc.array(fc.string(), { maxLength: 5 })])(
    "is one of the candidates, or none",
    (word, candidates) => {
      const meant = closest(word, candidates);
      if (meant !== null) expect(candidates).toContain(meant);
    },
  );

  test.prop([fc.string({ minLength: 1, maxLength: 50 }), fc.array(fc.string(), { maxLength: 5 })])(
    "to a candidate is that candidate, whatever its case",
    (word, others) => {
      expect(closest(word, [...others, word])?.toLowerCase()).toBe(word.toLowerCase());
    },
  );
});
