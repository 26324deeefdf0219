import { findNodeAtLocation, parseTree } from "jsonc-parser";
import type { Node } from "jsonc-parser";
import type { Problem } from "../model/problem.ts";
import type { Finding, JsonPath } from "./finding.ts";
import type { JsonDocument } from "./parse-document.ts";
import type { Place } from "./place.ts";
import { placeOfOffset } from "./place.ts";

/** Finds the places of what is wrong with parsed documents; each is parsed anew for positions only once. */
export interface Locator {
  /** Whether the document holds something at exactly this path. */
  has(document: JsonDocument, path: JsonPath): boolean;
  /** Of what stands at the path, or of the nearest that encloses it. */
  place(document: JsonDocument, path: JsonPath, at: Finding["at"]): Place;
}

export function locator(): Locator {
  const trees = new Map<JsonDocument, Node | null>();
  const treeOf = (document: JsonDocument): Node | null => {
    const seen = trees.get(document);
    if (seen !== undefined) return seen;
    const tree = parseTree(document.text) ?? null;
    trees.set(document, tree);
    return tree;
  };
  return {
    has: (document, path) => nodeAt(treeOf(document), path) !== undefined,
    place(document, path, at) {
      const tree = treeOf(document);
      for (let length = path.length; length >= 0; length--) {
        const node = nodeAt(tree, path.slice(0, length));
        if (node === undefined) continue;
        const key = at === "key" && length === path.length ? node.parent?.children?.[0] : undefined;
        return placeOfOffset(document.text, (key ?? node).offset);
      }
      return { line: 1, column: 1 };
    },
  };
}

export function problemAt(locate: Locator, document: JsonDocument, { path, at, message, expected }: Finding): Problem {
  return { file: document.file, ...locate.place(document, path, at), message, expected };
}

function nodeAt(tree: Node | null, path: JsonPath): Node | undefined {
  return tree === null ? undefined : findNodeAtLocation(tree, numbered(tree, path));
}

/** The library tells list positions from keys by type, while JSON pointers do not. */
function numbered(tree: Node, path: JsonPath): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const step of path) {
    const parent: Node | undefined = findNodeAtLocation(tree, steps);
    steps.push(parent?.type === "array" ? Number(step) : String(step));
  }
  return steps;
}
