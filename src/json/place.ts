/** Line and column, both from 1, columns in UTF-16 units as editors count them. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Lines end in `\n`, `\r\n` or `\r`. An offset beyond the text is its end. */
export function placeOfOffset(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const lastBreak = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r"));
  const line = (before.match(/\r\n|\n|\r/g)?.length ?? 0) + 1;
  return { line, column: before.length - lastBreak };
}
