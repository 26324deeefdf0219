/** Files of settings, desired state and secrets. Every call rejects with `FilesError`. */
export interface Files {
  /** Names of a directory's entries in code-unit order, hidden ones (leading dot) left out; at most `entriesMax`. */
  list(directory: string, entriesMax: number): Promise<readonly string[]>;
  /** The whole content of a regular file, and never more of it than `bytesMax`. */
  read(path: string, options: ReadFileOptions): Promise<Uint8Array>;
}

export interface ReadFileOptions {
  readonly bytesMax: number;
  /** Refuse a path that leads out of this directory by way of symbolic links. */
  readonly within?: string;
}

/** Says that something about files or directories may have changed: a hint, as any nudge. */
export interface FileWatcher {
  /**
   * Watches absolute paths, existing or not. `onChange` is called with a path, several times for one change if need be;
   * `onError` when a part of the watch is lost, which a resync has to make good.
   */
  watch(paths: readonly string[], onChange: (path: string) => void, onError: (error: Error) => void): FileWatch;
}

export interface FileWatch {
  close(): Promise<void>;
}

/**
 * `missing`: nothing of that name. `wrong-kind`: a file where a directory is needed, or a directory, pipe or device
 * where a file is. `too-large`: beyond the limit. `outside`: a link leads out of the directory. `denied`: no permission.
 */
export class FilesError extends Error {
  override readonly name = "FilesError";
  readonly kind: "missing" | "wrong-kind" | "too-large" | "outside" | "denied" | "failed";
  constructor(kind: FilesError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
