import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { secret } from "../../src/model/secret.ts";

describe("a secret", () => {
  const token = secret("hunter2");
  const around = { consul: { token } };

  it.each([
    ["a template", `${token}`],
    ["concatenation", "" + String(token)],
    ["JSON", JSON.stringify(around)],
    ["inspect", inspect(around, { depth: 9, showHidden: true })],
    ["inspect without our own form", inspect(around, { customInspect: false, depth: 9 })],
    ["a format", format("%s %o %j", token, token, token)],
    ["its fields", JSON.stringify(Object.entries(token).map(([key, value]) => [key, String(value)]))],
    ["an error", String(new Error(`refused: ${token}`))],
  ])("does not show in %s", (_where, text) => {
    expect(text).not.toContain("hunter2");
  });

  it("is given by reveal alone", () => {
    expect(token.reveal()).toBe("hunter2");
  });

  it("cannot be changed", () => {
    expect(Object.isFrozen(token)).toBe(true);
  });
});
