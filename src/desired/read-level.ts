import { join } from "node:path";
import { parseDocument } from "../json/parse-document.ts";
import type { JsonDocument } from "../json/parse-document.ts";
import type { Problem } from "../model/problem.ts";
import type { Files } from "../ports/files.ts";
import { FilesError } from "../ports/files.ts";
import { limits } from "./limits.ts";

/** What one directory holds. A later level merges over an earlier one. */
export interface Level {
  readonly documents: readonly JsonDocument[];
  readonly problems: readonly Problem[];
}

/** Bytes that may still be read, over all levels. */
export interface Allowance {
  bytes: number;
}

/** All `*.json` files of a directory in the order of their names; hidden ones are editors' and version control's. */
export async function readDirectory(files: Files, directory: string, allowance: Allowance): Promise<Level> {
  let names: readonly string[];
  try {
    names = await files.list(directory, limits.filesPerDirectoryMax);
  } catch (error) {
    return { documents: [], problems: [problemOf(directory, error, "a directory with desired-state files")] };
  }
  const paths = names.filter((name) => name.endsWith(".json")).map((name) => join(directory, name));
  if (paths.length > 0) return readFiles(files, paths, allowance, directory);
  const expected = 'at least one *.json file; { "services": {} } asks for nothing';
  return {
    documents: [],
    problems: [{ ...start(directory), message: "the directory holds no desired-state file", expected }],
  };
}

/** `within`: the directory that symbolic links may not lead out of; null where a person named the files. */
export async function readFiles(
  files: Files,
  paths: readonly string[],
  allowance: Allowance,
  within: string | null = null,
): Promise<Level> {
  const documents: JsonDocument[] = [];
  const problems: Problem[] = [];
  for (const path of paths) {
    const bytesMax = Math.min(limits.fileBytesMax, allowance.bytes);
    try {
      const bytes = await files.read(path, { bytesMax, ...(within === null ? {} : { within }) });
      allowance.bytes -= bytes.length;
      const parsed = await parseDocument(path, bytes, limits.depthMax);
      if (parsed.kind === "parsed") documents.push(parsed.document);
      else problems.push(...parsed.problems);
    } catch (error) {
      problems.push(problemOf(path, error, "a readable file"));
    }
  }
  return { documents, problems };
}

function problemOf(path: string, error: unknown, expected: string): Problem {
  if (!(error instanceof FilesError)) throw error;
  return { ...start(path), message: error.message, expected };
}

function start(file: string): Pick<Problem, "file" | "line" | "column"> {
  return { file, line: 1, column: 1 };
}
