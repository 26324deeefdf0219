import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSize, parseSize } from "../../src/model/size.ts";
import { property } from "../support/property.ts";

describe("a size", () => {
  it.each([
    ["256MiB", 268_435_456],
    ["1GB", 1_000_000_000],
    ["1.5KiB", 1_536],
    ["512B", 512],
    ["0B", 0],
  ])("%s is %i bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "256", "256M", "256mib", "-1B", "1,5GiB", "MiB", "1 GiB", "1.GiB", "0x10B"])(
    "is not written %j",
    (text) => {
      expect(parseSize(text)).toBeNull();
    },
  );

  property([fc.nat({ max: 999_999_999_999_999 })])("is read back from its writing", (bytes) => {
    expect(parseSize(formatSize(bytes))).toBe(bytes);
  });
});
