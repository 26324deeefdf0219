import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scrub } from "../../../src/adapters/webhook/scrub.ts";
import { property } from "../../support/property.ts";

describe("an answer that is quoted", () => {
  it.each([
    ["the whole address", "no route to https://hooks.example/services/T00/B00/abcdef123456", "no route to [secret]"],
    ["the token of its path", "unknown token abcdef123456", "unknown token [secret]"],
    ["its path", "POST /services/T00/B00/abcdef123456 failed", "POST [secret] failed"],
  ])("does not show %s", (_what, text, shown) => {
    expect(scrub(text, ["https://hooks.example/services/T00/B00/abcdef123456"])).toBe(shown);
  });

  it("does not show a token of the query, however it is written", () => {
    const secrets = ["https://x.example/send?access_token=a%2Bb%2F0123456789&v=2"];
    expect(scrub("bad a+b/0123456789 or a%2Bb%2F0123456789, v 2", secrets)).toBe("bad [secret] or [secret], v 2");
  });

  it("does not show the credentials of a header by themselves", () => {
    expect(scrub("bad credentials dXNlcjpwYXNz", ["Basic dXNlcjpwYXNz"])).toBe("bad credentials [secret]");
  });

  it("keeps the words that make up an address's shorter parts", () => {
    expect(scrub("cannot send v2 of this", ["https://x.example/send/v2"])).toBe("cannot send v2 of this");
  });

  property([fc.string({ minLength: 8, maxLength: 40 }), fc.string(), fc.string()])(
    "never shows a secret, wherever it stands",
    (secret, before, after) => {
      fc.pre(!"[secret]".includes(secret));
      const once = scrub(`${before}${secret}${after}`, [secret]);
      expect(once.split("[secret]").join("\u0000")).not.toContain(secret);
    },
  );
});
