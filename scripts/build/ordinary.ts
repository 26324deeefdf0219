import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import type { ordinary as Ordinary } from "../../src/ordinary.ts";

/** `dist/ordinary.js`: what `bin.js` loads when the quick ways do not answer. The program itself is `program.js`. */
export function ordinary(...given: Parameters<typeof Ordinary>): Promise<number> {
  return openProgram().ordinary(...given);
}

/**
 * Loads `program.js` with what V8 made of it when it was built, so that it need not be compiled again. That is only valid
 * for the very same V8: the file's name says for which, and V8 itself looks once more. Without it, it is compiled.
 */
export function openProgram(): { readonly script: Script; readonly ordinary: typeof Ordinary } {
  const filename = join(__dirname, "program.js");
  // esbuild writes ASCII only, and V8 keeps a text of single bytes as it is.
  const source = readFileSync(filename, "latin1");
  const cachedData = readCompiled();
  const script = new Script(source, { filename, ...(cachedData === null ? {} : { cachedData }) });
  const exported = {} as { ordinary: typeof Ordinary };
  const run = script.runInThisContext() as (...given: readonly unknown[]) => void;
  const module = { exports: exported };
  run(module.exports, require, module, filename, __dirname);
  return { script, ordinary: module.exports.ordinary };
}

export function compiledFile(): string {
  return join(__dirname, `program.${process.arch}-${process.version}.compiled`);
}

function readCompiled(): Buffer | null {
  try {
    return readFileSync(compiledFile());
  } catch {
    return null;
  }
}
