import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument } from "../../src/json/parse-document.ts";
import { formatProblem } from "../../src/model/problem.ts";
import { property } from "../support/property.ts";

describe("a JSON file", () => {
  it.each([
    [
      '{ "a": 1, }',
      '1:11: no key stands here; the comma before may be one too many (expected a key in "double quotes")',
    ],
    ['{ "a": 1 "b": 2 }', "1:10: no comma stands between these two (expected a comma)"],
    ['{\n  "a" 1\n}', "2:7: no colon follows the key (expected a colon)"],
    ['{ "a": [1, 2', "1:13: the file ends here, half-way (expected the rest of the JSON object)"],
    [
      '{ "a": tru }',
      '1:8: this is not a JSON value (expected a value: text in "double quotes", a number, true, false, null, { or [)',
    ],
    [
      "{ 'a': 1 }",
      '1:3: this is not a JSON value (expected a value: text in "double quotes", a number, true, false, null, { or [)',
    ],
    ["// web\n{}", "1:1: comments are not part of JSON (expected no comment)"],
    ["{} {}", "1:4: the JSON object has ended before this (expected the end of the file)"],
    ["", "1:1: the file is empty (expected a JSON object)"],
    [" \n\t", "1:1: the file is empty (expected a JSON object)"],
    ['{ "a": "\u0000" }', "1:9: a control character (U+0000) stands here (expected printable text)"],
    ['{ "a": "\\u0000" }', "1:8: a control character is hidden in this text (expected printable text)"],
    [
      '{ "a": "\\ud800" }',
      "1:8: half a character (a lone surrogate) is hidden in this text (expected whole characters)",
    ],
    ['{ "a": "\u001b[31m" }', "1:9: a control character (U+001B) stands here (expected printable text)"],
    ['{ "a": 1,\n  "a": 2 }', '2:3: "a" is given twice in the same object (expected each key once)'],
    ['{ "a": 1, "\\u0061": 2 }', '1:11: "a" is given twice in the same object (expected each key once)'],
    ['{ "__proto__": {} }', '1:3: "__proto__" may not be used as a name (expected any other name)'],
    ['{ "\\u005f_proto__": {} }', '1:3: "__proto__" may not be used as a name (expected any other name)'],
    ['[{ "constructor": 1 }]', '1:4: "constructor" may not be used as a name (expected any other name)'],
    [
      '{ "a": NaN }',
      '1:8: this is not a JSON value (expected a value: text in "double quotes", a number, true, false, null, { or [)',
    ],
    ['{ "a": 01 }', "1:9: no comma stands between these two (expected a comma)"],
    ['{ "a": "\n" }', '1:8: the text is not closed (expected a closing ")'],
  ])("%j is refused: %s", async (text, problem) => {
    expect(await problemsOf(text)).toEqual([`file.json:${problem}`]);
  });

  it("may begin with a byte order mark", async () => {
    expect(await parsed('\ufeff{ "a": 1 }')).toEqual({ a: 1 });
  });

  it("may hold the same key in different objects, and texts that look like JSON", async () => {
    const value = { a: { x: 1 }, b: [{ x: 2 }, { x: '{"x":1,"x":2}\\' }], 'q"': ["a", "a", "x"] };
    expect(await parsed(JSON.stringify(value))).toEqual(value);
  });

  it("may hold line breaks and tabs in texts, as certificates do", async () => {
    expect(await parsed('{ "a": "-----BEGIN\\n\\t-----END\\r\\n" }')).toEqual({ a: "-----BEGIN\n\t-----END\r\n" });
  });

  it.each([
    ["UTF-16", Uint8Array.from([0xff, 0xfe, 0x7b, 0x00]), "the file is written in UTF-16"],
    ["anything but UTF-8", Uint8Array.from([0x7b, 0xc3, 0x28, 0x7d]), "the file holds bytes that are not UTF-8 text"],
  ])("is refused in %s", async (_name, bytes, message) => {
    expect(await problemsOf(bytes)).toEqual([`file.json:1:1: ${message} (expected a text file in UTF-8)`]);
  });

  it.each([
    ["whole", "[".repeat(100_000) + "]".repeat(100_000)],
    ["cut off", '{"a":'.repeat(100_000)],
  ])("nested 100,000 deep, %s, is refused at the first level too many", async (_name, text) => {
    expect(await problemsOf(text)).toEqual([
      expect.stringContaining("objects and lists are nested too deeply (expected at most 32 levels)"),
    ]);
  });

  it("tells all keys that are given twice, up to a bound", async () => {
    const text = `{${Array.from({ length: 100 }, () => '"a":1').join(",")}}`;
    expect(await problemsOf(text)).toHaveLength(20);
  });

  it("counts lines that end in any way", async () => {
    expect(await problemsOf('{\r\n"a": 1,\r"b": 2,\n"a": 3}')).toEqual([expect.stringMatching(/^file\.json:4:1: /)]);
  });

  property([fc.json({ maxDepth: 6 })])("that is JSON gives what JSON.parse gives, or says why not", async (text) => {
    const result = await parseDocument("file.json", new TextEncoder().encode(text), 32);
    if (result.kind === "parsed") expect(result.document.value).toEqual(JSON.parse(text));
    else
      expect(result.problems.map(formatProblem).join("\n")).toMatch(/twice|may not be used|hidden|control character/);
  });

  property([fc.uint8Array({ maxLength: 300 })])("of any bytes is read or refused with a place", async (bytes) => {
    const result = await parseDocument("file.json", bytes, 32);
    if (result.kind === "parsed") return;
    expect(result.problems.length).toBeGreaterThan(0);
    for (const { line, column } of result.problems) expect(Math.min(line, column)).toBeGreaterThan(0);
  });
});

async function problemsOf(content: string | Uint8Array): Promise<readonly string[]> {
  const result = await parseDocument("file.json", bytesOf(content), 32);
  return result.kind === "parsed" ? [] : result.problems.map(formatProblem);
}

async function parsed(text: string): Promise<unknown> {
  const result = await parseDocument("file.json", bytesOf(text), 32);
  return result.kind === "parsed" ? result.document.value : result.problems;
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}
