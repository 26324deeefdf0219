import { constants } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { sep } from "node:path";
import type { Files, ReadFileOptions } from "../../ports/files.ts";
import { FilesError } from "../../ports/files.ts";

/** The machine's own file system. */
export function diskFiles(): Files {
  return { list, read };
}

async function list(directory: string, entriesMax: number): Promise<readonly string[]> {
  const names = await translated(directory, readdir(directory));
  const visible = names.filter((name) => !name.startsWith("."));
  if (visible.length > entriesMax) {
    throw new FilesError("too-large", `${visible.length} entries, more than the ${entriesMax} that are read`);
  }
  return visible.sort();
}

async function read(path: string, options: ReadFileOptions): Promise<Uint8Array> {
  if (options.within !== undefined) await refuseOutside(path, options.within);
  // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
  const file = await translated(path, open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    return await readRegular(file, path, options.bytesMax);
  } finally {
    await file.close();
  }
}

async function refuseOutside(path: string, directory: string): Promise<void> {
  const [target, root] = await translated(path, Promise.all([realpath(path), realpath(directory)]));
  if (!target.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new FilesError("outside", `is a symbolic link to ${target}, outside of its directory`);
  }
}

/** Reads by what is there rather than by the size the file claims to have, which may change meanwhile. */
async function readRegular(file: FileHandle, path: string, bytesMax: number): Promise<Uint8Array> {
  const stats = await translated(path, file.stat());
  if (!stats.isFile()) throw new FilesError("wrong-kind", "is not a regular file");
  if (stats.size > bytesMax)
    throw new FilesError("too-large", `${stats.size} bytes, more than the ${bytesMax} that are read`);
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (true) {
    const chunk = Buffer.allocUnsafe(Math.min(bytesMax + 1 - total, chunkBytes));
    const { bytesRead } = await translated(path, file.read(chunk, 0, chunk.length, null));
    if (bytesRead === 0) return Buffer.concat(chunks, total);
    chunks.push(chunk.subarray(0, bytesRead));
    total += bytesRead;
    if (total > bytesMax) throw new FilesError("too-large", `more than the ${bytesMax} bytes that are read`);
  }
}

const chunkBytes = 256 * 1024;

async function translated<T>(path: string, pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [kind, message] = meanings[code] ?? ["failed", `cannot be read: ${code === "" ? String(error) : code}`];
    throw new FilesError(kind, message, { cause: new Error(path, { cause: error }) });
  }
}

const meanings: Readonly<Record<string, readonly [FilesError["kind"], string]>> = {
  ENOENT: ["missing", "does not exist"],
  ENOTDIR: ["wrong-kind", "is not a directory"],
  EISDIR: ["wrong-kind", "is a directory, not a file"],
  ENXIO: ["wrong-kind", "is not a regular file"],
  EACCES: ["denied", "may not be read (permission denied)"],
  EPERM: ["denied", "may not be read (not permitted)"],
  ELOOP: ["failed", "is a symbolic link that leads back to itself"],
  ENAMETOOLONG: ["failed", "has too long a name"],
};
