import { statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { dirname, join } from "node:path";
import type { FileWatch, FileWatcher } from "../../ports/files.ts";

/**
 * Watches files and directories by name: whatever stands there, put in place by writing, by renaming over it, by turning
 * a link or by making a directory anew. Every change is told at once and, when things have settled, once more, since a
 * writer may need two strokes and the watch is blind for the moment in which it moves on to what is new.
 */
export function diskWatcher(settleMs = 200): FileWatcher {
  return {
    watch(paths, onChange, onError): FileWatch {
      let settled: NodeJS.Timeout | undefined;
      const tell = (path: string): void => {
        clearTimeout(settled);
        settled = setTimeout(() => onChange(path), settleMs);
        onChange(path);
      };
      const watches = paths.map((path) => watchName(path, tell, onError));
      return {
        async close() {
          clearTimeout(settled);
          for (const close of watches) close();
        },
      };
    },
  };
}

/**
 * A watch stays with the directory it was put on, even when another has taken its name. So every directory on the way
 * to `path` is watched for the next step of the way, and a change there starts the watch below it anew.
 */
function watchName(path: string, tell: (path: string) => void, onError: (error: Error) => void): () => void {
  let watchers: FSWatcher[] = [];
  const close = (): void => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
  const open = (): void => {
    close();
    const way = wayTo(path);
    for (const [index, directory] of way.entries()) {
      if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return;
      const next = way[index + 1];
      const watcher = watch(directory, (_event, name) => {
        if (next === undefined) tell(join(path, name ?? ""));
        else if (name === null || join(directory, name) === next) {
          tell(path);
          reopen();
        }
      });
      watcher.on("error", onError);
      watchers.push(watcher);
    }
  };
  const reopen = (): void => {
    try {
      open();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  reopen();
  return close;
}

/** `/`, `/srv`, `/srv/state` for `/srv/state`. */
function wayTo(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [path] : [...wayTo(above), path];
}
