import type { Problem } from "../model/problem.ts";
import { controlCharacter, scanText } from "./scan-text.ts";
import { placeOfOffset } from "./place.ts";

export type ParsedDocument =
  | { readonly kind: "parsed"; readonly document: JsonDocument }
  | { readonly kind: "broken"; readonly problems: readonly Problem[] };

/** A file's content. The text is kept so that positions can be found, which is done only after a failure. */
export interface JsonDocument {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
}

/**
 * Reads one file as strict JSON: valid UTF-8 (a byte order mark is taken as what it is, and skipped), no key twice, no
 * control characters, no names with a meaning in JavaScript, at most `depthMax` levels. Never throws for any bytes.
 */
export async function parseDocument(file: string, bytes: Uint8Array, depthMax: number): Promise<ParsedDocument> {
  const text = decode(bytes);
  if (text === null) return broken(file, { line: 1, column: 1 }, notText(bytes), "a text file in UTF-8");
  if (text.trim() === "") return broken(file, { line: 1, column: 1 }, "the file is empty", "a JSON object");
  const control = text.search(controlCharacter);
  if (control !== -1) {
    const code = text.charCodeAt(control).toString(16).toUpperCase().padStart(4, "0");
    return broken(file, placeOfOffset(text, control), `a control character (U+${code}) stands here`, "printable text");
  }
  const findings = scanText(text, depthMax);
  const tooDeep = findings.find(({ kind }) => kind === "too-deep");
  if (tooDeep !== undefined)
    return broken(file, placeOfOffset(text, tooDeep.offset), tooDeep.message, tooDeep.expected);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { explainSyntax } = await import("./explain-syntax.ts");
    const { offset, message, expected } = explainSyntax(text, error);
    return broken(file, placeOfOffset(text, offset), message, expected);
  }
  if (findings.length === 0) return { kind: "parsed", document: { file, text, value } };
  const problems = findings.map(({ offset, message, expected }) => ({
    file,
    ...placeOfOffset(text, offset),
    message,
    expected,
  }));
  return { kind: "broken", problems };
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function notText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const utf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return utf16 ? "the file is written in UTF-16" : "the file holds bytes that are not UTF-8 text";
}

function broken(
  file: string,
  place: { readonly line: number; readonly column: number },
  message: string,
  expected: string | null,
): ParsedDocument {
  return { kind: "broken", problems: [{ file, ...place, message, expected }] };
}
