import type { Finding } from "../json/finding.ts";
import { locator, problemAt } from "../json/locate.ts";
import type { Locator } from "../json/locate.ts";
import type { Problem } from "../model/problem.ts";
import { limits } from "./limits.ts";
import type { DocumentFinding, MergedService } from "./merge-levels.ts";

/** Gives every finding its file, line and column, in the order in which a person would mend them. */
export function placeProblems(
  unreadable: readonly Problem[],
  inFiles: readonly DocumentFinding[],
  inServices: readonly Finding[],
  services: ReadonlyMap<string, MergedService>,
): readonly Problem[] {
  const locate = locator();
  const placed = [
    ...unreadable,
    ...inFiles.slice(0, limits.problemsMax).map((found) => placeInFile(locate, found)),
    ...inServices.slice(0, limits.problemsMax).map((found) => placeInChain(locate, found, services)),
  ];
  const order = (a: Problem, b: Problem): number =>
    compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.message, b.message);
  return [...placed].sort(order).slice(0, limits.problemsMax);
}

function placeInFile(locate: Locator, { document, other, ...found }: DocumentFinding): Problem {
  if (other === undefined) return problemAt(locate, document, found);
  const { line, column } = locate.place(other, found.path, found.at);
  return problemAt(locate, document, { ...found, message: `${found.message} ${other.file}:${line}:${column}` });
}

/** A merged value comes from the last file that has it; what is missing is missed where its object stands last. */
function placeInChain(locate: Locator, found: Finding, services: ReadonlyMap<string, MergedService>): Problem {
  const latestFirst = [...chainOf(found, services)].reverse();
  for (let length = found.path.length; length >= 1; length--) {
    const path = found.path.slice(0, length);
    const document = latestFirst.find((candidate) => locate.has(candidate, path));
    const at = length === found.path.length ? found.at : "value";
    if (document !== undefined) return problemAt(locate, document, { ...found, path, at });
  }
  throw new Error(`no file holds what is wrong: ${found.message}`);
}

/** What concerns no single service is shown where the first one stands. */
function chainOf(found: Finding, services: ReadonlyMap<string, MergedService>): MergedService["chain"] {
  const [, name] = found.path;
  const [first] = services.values();
  return (name === undefined ? first : services.get(String(name)))?.chain ?? [];
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
