import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { outputs } from "./outputs.ts";
import type { Output } from "./outputs.ts";

/**
 * `tsx scripts/schema/generate.ts` writes schemas, validators and reference pages from the schemas in `src`; with `--check`
 * it writes nothing, names what is stale and ends with 1.
 */
const root = new URL("../../", import.meta.url);

if (process.argv.includes("--check")) {
  const stale = await staleOutputs();
  for (const path of stale) console.error(`${path} is not what the schemas say: run tsx scripts/schema/generate.ts`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const output of await outputs()) await write(output);
}

async function staleOutputs(): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const { path, text } of await outputs()) {
    const present = await readFile(new URL(path, root), "utf8").catch(() => null);
    if (present !== text) stale.push(path);
  }
  return stale;
}

async function write({ path, text }: Output): Promise<void> {
  const file = fileURLToPath(new URL(path, root));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
