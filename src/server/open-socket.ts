import { chmod, lstat, mkdir, rename, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { InUse } from "../ports/controller.ts";

export interface SocketListener {
  /** Gives the path up, unless another daemon has it by now. */
  close(): Promise<void>;
}

/**
 * Listens on a unix socket that this user alone may use (mode 0600). What a daemon left behind that has died is
 * replaced in one step. Rejects with `InUse` when a living one answers there, or when what is there is no socket, or
 * when others may write to the directory and could put a socket of theirs in its place.
 */
export async function openSocket(path: string, listen: (path: string) => Promise<unknown>): Promise<SocketListener> {
  await prepareDirectory(dirname(path));
  await mustBeFree(path);
  const own = join(dirname(path), `.${process.pid}`);
  await rm(own, { force: true });
  // Between its making and `chmod` a socket has the permissions that the mask leaves.
  const mask = process.umask(0o177);
  try {
    await listen(own);
  } finally {
    process.umask(mask);
  }
  await chmod(own, 0o600);
  const { ino } = await lstat(own);
  await rename(own, path);
  return {
    async close() {
      // Gone already, or not to be seen: then it is not ours to remove.
      const now = await lstat(path).catch(() => null);
      if (now?.ino === ino) await rm(path, { force: true });
    },
  };
}

async function prepareDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(directory);
  const trusted = uid === 0 || uid === process.getuid?.();
  const othersMayWrite = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
  if (trusted && !othersMayWrite) return;
  throw new InUse(`${directory} belongs to another user or others may write to it: choose another server.socket`);
}

async function mustBeFree(path: string): Promise<void> {
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (there === null) return;
  if (!there.isSocket())
    throw new InUse(`${path} is there and is no socket: remove it, or choose another server.socket`);
  if (await answers(path))
    throw new InUse(`a daemon of this environment runs on this machine already: it answers at ${path}`);
}

/** Only a refused connection says that nobody listens; a daemon that is stopped or busy takes it and does not answer. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
      .on("connect", () => {
        socket.destroy();
        resolve(true);
      })
      .on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
        else if (error.code === "EAGAIN") resolve(true);
        else reject(error);
      });
  });
}
