import { resolve } from "node:path";
import type { JsonPath } from "../json/finding.ts";
import type { Secret } from "../model/secret.ts";
import { secret } from "../model/secret.ts";
import type { Files } from "../ports/files.ts";
import { FilesError } from "../ports/files.ts";
import type { ReferenceFile } from "./channel-schema.ts";
import type { ProcessFacts } from "./process-facts.ts";

/** What the sections of the settings are read with, and where each reports what is wrong. */
export interface Reading {
  readonly files: Files;
  readonly facts: ProcessFacts;
  readonly baseDirectory: string;
  /** Something of `heal.json` is wrong; the path begins at the environment. */
  readonly wrong: Report<JsonPath>;
  /** Something of an environment variable is wrong. */
  readonly wrongVariable: Report<string>;
  /** Something is not as it should be, but `heal` can do without. */
  readonly warn: Report<JsonPath>;
}

export type Report<Place> = (place: Place, message: string, expected?: string | null) => void;

/** The text that a reference leads to, or why it leads to none. */
export type Read<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "failed"; readonly reason: string };

const fileBytesMax = 1024 * 1024;

/** A file's text, relative to `heal.json`. */
export async function readText({ files, baseDirectory }: Reading, path: string): Promise<Read<string>> {
  const absolute = resolve(baseDirectory, path);
  try {
    const bytes = await files.read(absolute, { bytesMax: fileBytesMax });
    return { kind: "read", value: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof FilesError) return { kind: "failed", reason: `${absolute} ${error.message}` };
    if (error instanceof TypeError) return { kind: "failed", reason: `${absolute} is not a text in UTF-8` };
    throw error;
  }
}

/** A secret of one line. The reason never shows any of it. */
export async function readSecret(reading: Reading, { file, env }: ReferenceFile): Promise<Read<Secret>> {
  const found = file === undefined ? variable(reading.facts, env ?? "") : await readText(reading, file);
  if (found.kind === "failed") return found;
  const value = found.value.replace(/\r?\n$/, "");
  const place = file === undefined ? `the variable ${env ?? ""}` : resolve(reading.baseDirectory, file);
  if (value.trim() === "") return { kind: "failed", reason: `${place} is empty` };
  // A line break in a token would end the header that carries it.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(value))
    return { kind: "failed", reason: `${place} holds more than one line of text` };
  return { kind: "read", value: secret(value) };
}

/** A secret that `heal` cannot do without: what keeps it from being read is wrong at `path`. */
export async function needSecret(
  reading: Reading,
  path: JsonPath,
  reference: ReferenceFile | undefined,
): Promise<Secret | null> {
  if (reference === undefined) return null;
  const found = await readSecret(reading, reference);
  if (found.kind === "read") return found.value;
  reading.wrong(path, found.reason, "a secret that can be read");
  return null;
}

function variable({ variables }: ProcessFacts, name: string): Read<string> {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return value === undefined ? { kind: "failed", reason: `the variable ${name} is not set` } : { kind: "read", value };
}
