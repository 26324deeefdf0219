import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outputText } from "../../../src/adapters/docker/output-text.ts";
import { property } from "../../support/property.ts";

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

describe("a container's last output", () => {
  it("is both of its streams in their order", () => {
    expect(outputText(Buffer.concat([frame(1, "one\n"), frame(2, "two\n"), frame(1, "drei ☕\n")]))).toBe(
      "one\ntwo\ndrei ☕\n",
    );
    expect(outputText(Buffer.alloc(0))).toBe("");
  });

  it("is read as it stands when a terminal wrote it", () => {
    expect(outputText(Buffer.from("plain terminal output\r\n"))).toBe("plain terminal output\n");
  });

  it("carries nothing that a terminal would act on", () => {
    expect(outputText(frame(1, "\u001b[31mred\u001b[0m \u001b]0;title\u0007\u0000\u0008tab\there\n"))).toBe(
      "red tab\there\n",
    );
  });

  it("is bounded, keeping the end", () => {
    const text = outputText(frame(1, `${"x".repeat(200_000)}end`));
    expect(text.length).toBe(64 * 1024);
    expect(text.endsWith("xend")).toBe(true);
  });

  property([fc.uint8Array({ maxLength: 300 })], { numRuns: 500 })("is had from any bytes", (bytes) => {
    expect(outputText(Buffer.from(bytes))).not.toMatch(/[^\P{Cc}\n\t]/u);
  });
});
