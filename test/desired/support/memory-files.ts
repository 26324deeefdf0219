import { dirname } from "node:path";
import type { Files } from "../../../src/ports/files.ts";
import { FilesError } from "../../../src/ports/files.ts";

/** Files that exist in memory only, by path. The contract suite holds it against the disk. */
export function memoryFiles(contents: Readonly<Record<string, string | Uint8Array>>): Files {
  const paths = Object.keys(contents);
  const isDirectory = (path: string): boolean => paths.some((file) => file.startsWith(`${path}/`));
  return {
    async list(directory, entriesMax) {
      if (Object.hasOwn(contents, directory)) throw new FilesError("wrong-kind", "is not a directory");
      if (!isDirectory(directory)) throw new FilesError("missing", "does not exist");
      const below = paths
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1));
      const names = new Set(below.map((path) => path.split("/")[0] ?? "").filter((name) => !name.startsWith(".")));
      if (names.size > entriesMax) throw new FilesError("too-large", `${names.size} entries`);
      return [...names].sort();
    },
    async read(path, { bytesMax }) {
      if (isDirectory(path)) throw new FilesError("wrong-kind", "is a directory, not a file");
      const content = Object.hasOwn(contents, path) ? contents[path] : undefined;
      if (content === undefined) {
        const kind = Object.hasOwn(contents, dirname(path)) ? "wrong-kind" : "missing";
        throw new FilesError(kind, kind === "missing" ? "does not exist" : "is not a directory");
      }
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      if (bytes.length > bytesMax)
        throw new FilesError("too-large", `${bytes.length} bytes, more than the ${bytesMax} that are read`);
      return bytes;
    },
  };
}
