import { stripVTControlCharacters } from "node:util";

const headerBytes = 8;
const textLengthMax = 64 * 1024;

/** The text of a log answer: its frames joined (a terminal's output has none), without control characters. */
export function outputText(answer: Buffer): string {
  const text = stripVTControlCharacters((unframed(answer) ?? answer).toString());
  return text.replace(/[^\P{Cc}\n\t]/gu, "").slice(-textLengthMax);
}

/** Each frame is a header (stream 0…2, three zeros, length) and its bytes; null when this is not what was sent. */
function unframed(answer: Buffer): Buffer | null {
  const frames: Buffer[] = [];
  let offset = 0;
  while (offset + headerBytes <= answer.length) {
    if (answer.readUInt32BE(offset) & 0x00ffffff || answer.readUInt8(offset) > 2) return null;
    const start = offset + headerBytes;
    offset = start + answer.readUInt32BE(offset + 4);
    frames.push(answer.subarray(start, offset));
  }
  return offset >= answer.length ? Buffer.concat(frames) : null;
}
