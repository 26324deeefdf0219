import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closest } from "../../src/model/closest.ts";
import { property } from "../support/property.ts";

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

  property([fc.string(), fc.array(fc.string(), { maxLength: 5 })])(
    "is one of the candidates, or none",
    (word, candidates) => {
      const meant = closest(word, candidates);
      if (meant !== null) expect(candidates).toContain(meant);
    },
  );

  property([fc.string({ minLength: 1, maxLength: 50 }), fc.array(fc.string(), { maxLength: 5 })])(
    "to a candidate is that candidate, whatever its case",
    (word, others) => {
      expect(closest(word, [...others, word])?.toLowerCase()).toBe(word.toLowerCase());
    },
  );
});
