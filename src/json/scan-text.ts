/** Something that `JSON.parse` lets pass or would choke on, with its place in the text. */
export interface TextFinding {
  readonly kind: "too-deep" | "duplicate-key" | "forbidden-key" | "bad-string";
  readonly offset: number;
  readonly message: string;
  readonly expected: string | null;
}

/**
 * One pass over the text for what parsing alone does not tell: keys given twice (the last would silently win), depth
 * (a recursive reader would overflow), keys that JavaScript objects give a meaning of their own, and characters hidden
 * behind escapes. Only brackets, commas and strings matter to it, so it also gets through text that is not JSON.
 */
export function scanText(text: string, depthMax: number): readonly TextFinding[] {
  const findings: TextFinding[] = [];
  const stack: (Set<string> | null)[] = [];
  const hasEscapes = text.includes("\\");
  let keyIsNext = false;
  for (let offset = 0; offset < text.length && findings.length < findingsMax; offset++) {
    switch (text.charCodeAt(offset)) {
      case quote: {
        const end = stringEnd(text, offset);
        const keys = keyIsNext ? (stack.at(-1) ?? null) : null;
        if (hasEscapes || keys !== null) checkString(text, offset, end, keys, findings);
        keyIsNext = false;
        offset = end;
        break;
      }
      case openBrace:
      case openBracket:
        if (stack.length === depthMax) return [...findings, tooDeep(offset, depthMax)];
        keyIsNext = text.charCodeAt(offset) === openBrace;
        stack.push(keyIsNext ? new Set() : null);
        break;
      case closeBrace:
      case closeBracket:
        stack.pop();
        keyIsNext = false;
        break;
      case comma:
        keyIsNext = (stack.at(-1) ?? null) !== null;
        break;
    }
  }
  return findings;
}

const quote = 34;
const comma = 44;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
const findingsMax = 20;

/** Index of the closing quote, or of the last character of a text that lacks it. */
function stringEnd(text: string, start: number): number {
  for (let end = start + 1; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) return end;
    if (code === backslash) end++;
  }
  return text.length - 1;
}

/** `keys` are those that the object has so far when the string is one of its keys, else null. */
function checkString(
  text: string,
  start: number,
  end: number,
  keys: Set<string> | null,
  findings: TextFinding[],
): void {
  const raw = text.slice(start + 1, end);
  const value = raw.includes("\\") ? unescaped(raw) : raw;
  const report = (kind: TextFinding["kind"], message: string, expected: string | null): void => {
    findings.push({ kind, offset: start, message, expected });
  };
  if (value !== raw) {
    if (controlCharacter.test(value))
      report("bad-string", "a control character is hidden in this text", "printable text");
    if (loneSurrogate.test(value))
      report("bad-string", "half a character (a lone surrogate) is hidden in this text", "whole characters");
  }
  if (keys === null) return;
  if (forbiddenKeys.has(value)) report("forbidden-key", `${shown(value)} may not be used as a name`, "any other name");
  else if (keys.has(value))
    report("duplicate-key", `${shown(value)} is given twice in the same object`, "each key once");
  keys.add(value);
}

/** A name as a message shows it: quoted, and shortened where somebody made it long. */
export function shown(name: string): string {
  return JSON.stringify(name.length > shownMax ? `${name.slice(0, shownMax)}…` : name);
}

const shownMax = 60;
const loneSurrogate = /\p{Surrogate}/u;
const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Control characters other than tab and line breaks, which commands and certificates need. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
export const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

function tooDeep(offset: number, depthMax: number): TextFinding {
  return {
    kind: "too-deep",
    offset,
    message: "objects and lists are nested too deeply",
    expected: `at most ${depthMax} levels`,
  };
}
