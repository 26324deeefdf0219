import { parse, printParseErrorCode } from "jsonc-parser";
import type { ParseError } from "jsonc-parser";

export interface SyntaxExplanation {
  readonly offset: number;
  readonly message: string;
  readonly expected: string | null;
}

/**
 * Why `JSON.parse` refused a text, and where. Only the first error is worth telling: the rest follow from it. The text
 * must not be nested deeply, since the parser with positions is recursive.
 */
export function explainSyntax(text: string, error: unknown): SyntaxExplanation {
  const errors: ParseError[] = [];
  parse(text, errors, { disallowComments: true, allowTrailingComma: false });
  const first = errors[0];
  if (first === undefined) return { offset: 0, message: `is not JSON: ${String(error)}`, expected: "a JSON object" };
  const end = first.offset + (unended.has(printParseErrorCode(first.error)) ? first.length : 0);
  if (text.slice(end).trim() === "") {
    return {
      offset: text.trimEnd().length,
      message: "the file ends here, half-way",
      expected: "the rest of the JSON object",
    };
  }
  const [message, expected] = sentences[printParseErrorCode(first.error)] ?? ["is not JSON", "JSON"];
  return { offset: first.offset, message, expected };
}

const unended: ReadonlySet<string> = new Set([
  "UnexpectedEndOfString",
  "UnexpectedEndOfNumber",
  "UnexpectedEndOfComment",
]);

const sentences: Readonly<Record<string, readonly [message: string, expected: string]>> = {
  InvalidSymbol: ["this is not a JSON value", 'a value: text in "double quotes", a number, true, false, null, { or ['],
  InvalidNumberFormat: ["this is not a number", "a number such as 3 or 0.5"],
  PropertyNameExpected: ["no key stands here; the comma before may be one too many", 'a key in "double quotes"'],
  ValueExpected: ["no value stands here; the comma before may be one too many", "a value"],
  ColonExpected: ["no colon follows the key", "a colon"],
  CommaExpected: ["no comma stands between these two", "a comma"],
  CloseBraceExpected: ["the object is not closed", "}"],
  CloseBracketExpected: ["the list is not closed", "]"],
  EndOfFileExpected: ["the JSON object has ended before this", "the end of the file"],
  InvalidCommentToken: ["comments are not part of JSON", "no comment"],
  UnexpectedEndOfComment: ["comments are not part of JSON", "no comment"],
  UnexpectedEndOfString: ["the text is not closed", 'a closing "'],
  UnexpectedEndOfNumber: ["the number is cut short", "a number such as 3 or 0.5"],
  InvalidUnicode: ["this is not a Unicode escape", "\\u and four hexadecimal digits"],
  InvalidEscapeCharacter: ["this escape is unknown", 'one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000'],
  InvalidCharacter: ["this character may not stand in a text as it is", "an escape such as \\n"],
};
