import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanText, cutText, utf8Bytes } from "../../src/model/clean-text.ts";
import { property } from "../support/property.ts";

/** Any code point, halves of surrogate pairs too. (`unit: "binary"` of fast-check lists all of them first, for 1.5 s.) */
const anyUnit = fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point));

describe("a cleaned text", () => {
  it.each([
    ["a header of its own", "web\r\nBcc: all@example.org", "web Bcc: all@example.org"],
    ["a colour", "\u001b[31mred\u001b[0m alert", "red alert"],
    ["a window title", "\u001b]0;pwned\u0007web", "web"],
    ["a link of the terminal", "\u001b]8;;http://x\u001b\\web\u001b]8;;\u001b\\", "web"],
    ["an 8-bit escape", "\u009b31mweb", "web"],
    ["a reversed reading", "web\u202egpj.exe", "webgpj.exe"],
    ["an isolate", "\u2066web\u2069", "web"],
    ["zero-width letters", "w\u200be\u200db\ufeff", "web"],
    ["an invisible tag", "web\u{e0041}\u{e0042}", "web"],
    ["a variation selector", "w\ufe0feb\u{e0100}", "web"],
    ["blank letters", "a\u3164b\u2800c", "abc"],
    ["half a surrogate pair", "web\ud800", "web"],
    ["NUL, bell and backspace", "w\u0000e\u0007b\b", "w e b"],
    ["line and paragraph separators", "a\u2028b\u2029c", "a b c"],
    ["other spaces", "a\u00a0\u3000 b", "a b"],
    ["backticks", "`rm -rf /`", "'rm -rf /'"],
    ["a pile of marks", `e${"\u0301".repeat(50)}`, "e\u0301\u0301\u0301"],
  ])("has lost %s", (_what, hostile, clean) => {
    expect(cleanText(hostile, 100)).toBe(clean);
  });

  it("keeps letters of every language, and pictures", () => {
    expect(cleanText("网站 überall 🚨 naïve", 100)).toBe("网站 überall 🚨 naïve");
  });

  it("ends in an ellipsis where it was cut, and never in half a character", () => {
    expect(cleanText("0123456789", 8)).toBe("01234…");
    expect(cleanText("网站网站", 10)).toBe("网站…");
    expect(cleanText("🚨🚨🚨", 11)).toBe("🚨🚨…");
  });

  it("takes no longer for a hundred megabytes than for a line", () => {
    const flood = "\u001b[31m\u0000x".repeat(10_000_000);
    // Joined up before the time is taken: a repeated text is only a promise of one until somebody reads it.
    expect(flood.at(-1)).toBe("x");
    const begunMs = performance.now();
    expect(utf8Bytes(cleanText(flood, 100))).toBeLessThanOrEqual(100);
    expect(performance.now() - begunMs).toBeLessThan(50);
  });

  property([fc.string({ unit: anyUnit, maxLength: 300, size: "max" }), fc.integer({ min: 0, max: 200 })])(
    "is one line of visible characters within its limit, whatever came in",
    (text, bytesMax) => {
      const clean = cleanText(text, bytesMax);
      expect(Buffer.byteLength(clean)).toBeLessThanOrEqual(bytesMax);
      expect(clean).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}`]/u);
      expect(clean).not.toMatch(/\p{M}{4}/u);
      expect(clean).toBe(clean.trim());
      expect(cleanText(clean, bytesMax)).toBe(clean);
    },
  );

  property([fc.string({ unit: "grapheme", maxLength: 100, size: "max" }), fc.integer({ min: 0, max: 400 })])(
    "is cut to bytes as UTF-8 counts them",
    (text, bytesMax) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
      expect(Buffer.byteLength(cutText(text, bytesMax))).toBeLessThanOrEqual(bytesMax);
      if (utf8Bytes(text) <= bytesMax) expect(cutText(text, bytesMax)).toBe(text);
    },
  );
});
