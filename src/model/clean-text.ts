/**
 * Everything that names a thing from outside (services, hosts, labels, container output, answers of servers) comes
 * through here before it is put into a message. What comes out is one line of visible characters, at most `bytesMax`
 * bytes of UTF-8:
 * - terminal escapes, control characters and line ends cannot start a header, a line or a command of their own;
 * - bidirectional and zero-width characters cannot make a text read differently from what it is;
 * - a letter carries at most three combining marks, so that it cannot spill over its neighbours;
 * - backticks become quotes, since messages set commands in backticks.
 */
export function cleanText(text: string, bytesMax: number): string {
  return visibleText(text.slice(0, bytesMax * 8).replaceAll("`", "'"), bytesMax);
}

/** The same for a sentence of our own, which may set commands in backticks. */
export function visibleText(text: string, bytesMax: number): string {
  // Nearly every text is of this kind, and a thousand services at once have many of them.
  if (text.length <= bytesMax && plain.test(text)) return text;
  // Whatever comes after this many characters could only be reached by a text that is mostly invisible.
  const near = text.length > bytesMax * 8 ? text.slice(0, bytesMax * 8) : text;
  const visible = near
    .replace(terminalEscape, "")
    .replace(lineEnd, " ")
    .replace(invisible, "")
    .replace(markPile, "$1")
    .replace(/\p{Zs}+/gu, " ")
    .trim();
  return cutText(visible, bytesMax);
}

/** Cuts to at most `bytesMax` bytes of UTF-8, between characters, with an ellipsis where something is missing. */
export function cutText(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax || utf8Bytes(text) <= bytesMax) return text;
  const room = bytesMax - utf8Bytes(ellipsis);
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    bytes += utf8Bytes(character);
    if (bytes > room) break;
    kept += character;
  }
  return room < 0 ? "" : kept.trimEnd() + ellipsis;
}

export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const ellipsis = "…";

/** Letters, digits and signs of ASCII in words with one space between. */
const plain = /^[!-~]+(?: [!-~]+)*$/;

/** Colours and cursor movements (CSI), titles and links (OSC, DCS and their kin, ended or not). */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const terminalEscape = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_])[^\u0007\u001b\n]*(?:\u0007|\u001b\\)?/g;

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const lineEnd = /[\u0000-\u001f\u007f-\u009f\p{Zl}\p{Zp}]/gu;

/** Bidirectional and zero-width characters, tags, half surrogates, private and unassigned ones, and blank letters. */
const invisible = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu;

const markPile = /(\p{M}{3})\p{M}+/gu;
