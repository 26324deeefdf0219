/**
 * A report as JSON for `--json`, with a line end. What JSON leaves as it is and a terminal or an editor would obey (C1
 * controls, bidirectional and zero-width characters) is written as an escape: the value stays the same.
 */
export function jsonText(report: unknown): string {
  return `${JSON.stringify(report, null, 2).replace(obeyed, escaped)}\n`;
}

const obeyed = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
