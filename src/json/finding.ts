/** Where in a document: keys and list positions from the root. */
export type JsonPath = readonly (string | number)[];

/** Something wrong with a document's content, before anybody has looked up which line that is. */
export interface Finding {
  readonly path: JsonPath;
  /** Whether the key itself is meant (unknown, badly named) or what it holds. */
  readonly at: "key" | "value";
  readonly message: string;
  readonly expected: string | null;
}

export function finding(path: JsonPath, message: string, expected: string | null = null): Finding {
  return { path, at: "value", message, expected };
}
