import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Files } from "../ports/files.ts";
import { FilesError } from "../ports/files.ts";
import { limits } from "./limits.ts";
import type { DesiredStateOptions, LoadedDesiredState } from "./load-desired-state.ts";
import { loadDesiredState } from "./load-desired-state.ts";

/**
 * Loads the desired state as `loadDesiredState` does, again and again: while the same files hold the same bytes, the
 * result is the same object, and nothing is parsed or judged anew.
 */
export function openDesiredStateLoader(files: Files, options: DesiredStateOptions): () => Promise<LoadedDesiredState> {
  let last: { readonly digest: string; readonly loaded: LoadedDesiredState } | null = null;
  return async () => {
    const digest = await digestOf(files, options.desiredState);
    if (digest !== null && last?.digest === digest) return last.loaded;
    // Whatever changes from here on has another digest the next time.
    const loaded = await loadDesiredState(files, options);
    last = digest === null ? null : { digest, loaded };
    return loaded;
  };
}

/** null where something cannot be read: what is wrong with it is for the loading to say. */
async function digestOf(files: Files, directories: readonly string[]): Promise<string | null> {
  const digest = createHash("sha256");
  try {
    for (const directory of directories) {
      for (const name of await files.list(directory, limits.filesPerDirectoryMax)) {
        if (!name.endsWith(".json")) continue;
        const path = join(directory, name);
        const bytes = await files.read(path, { bytesMax: limits.fileBytesMax, within: directory });
        digest.update(`${JSON.stringify(path)} ${bytes.length} `).update(bytes);
      }
    }
  } catch (error) {
    if (error instanceof FilesError) return null;
    throw error;
  }
  return digest.digest("base64");
}
