import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/model/duration.ts";
import { property } from "../support/property.ts";

describe("a duration", () => {
  it.each([
    ["500ms", 500],
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["0s", 0],
  ])("%s is %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "10", "s", "1.5s", "-1s", "30s1m", "1s1s", "10 s", "10S", "1min", "1e3s", "１s", "9999999999s", "1s\n"])(
    "is not written %j",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  property([fc.nat({ max: Number.MAX_SAFE_INTEGER }).filter((ms) => ms < 86_400_000 * 1e9)])(
    "is read back from its writing",
    (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    },
  );
});
