import { watch } from "chokidar";
import type { FileWatch, FileWatcher } from "../../ports/files.ts";

/**
 * Watches by directory and name, so that editors and deployments that replace a file or a link by renaming another over
 * it are seen each time, which a watch on the file itself is not.
 */
export function diskWatcher(): FileWatcher {
  return {
    watch(paths, onChange, onError): FileWatch {
      const watcher = watch([...paths], { ignoreInitial: true, depth: 1, atomic: false });
      watcher.on("all", (_event, path) => onChange(path));
      watcher.on("error", (error) => onError(error instanceof Error ? error : new Error(String(error))));
      const ready = new Promise<void>((resolve) => {
        watcher.on("ready", resolve);
      });
      return { ready, close: () => watcher.close() };
    },
  };
}
