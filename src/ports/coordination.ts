/** Leader lock and Memory in Consul KV: the only writes that are fenced by the lock itself. */
export interface Coordination {
  /**
   * Opens a session bound to a TTL check of the daemon's own registration, so that a dead holder is noticed within
   * the TTL. Rejects with `RegistryError`.
   */
  openSession(options: SessionOptions): Promise<Session>;
  /**
   * Current holder of the leader key; null when nobody holds it. Without an index it answers at once and consistently;
   * with one it blocks until the key changes or `waitMs` is over, reading `default`.
   */
  readLeader(options: {
    readonly index?: number;
    readonly waitMs?: number;
    readonly signal?: AbortSignal;
  }): Promise<LeaderView>;

  /**
   * The keys under `prefix` (all of Memory unless told otherwise), read consistently. Keys are relative to the
   * environment. An entry that cannot be read comes as text for setting aside, never as a guess.
   */
  loadMemory(prefix?: string): Promise<readonly MemoryEntry[]>;
  /**
   * Writes keys in one transaction that fails as a whole when the lock is not held by `lease` any more or when a key
   * changed since `modifyIndex` was read.
   */
  commit(lease: Lease, writes: readonly MemoryWrite[]): Promise<CommitResult>;
}

export interface SessionOptions {
  readonly holder: LeaderInfo;
  readonly checkTtlMs: number;
  readonly lockDelayMs: number;
}

export interface Session {
  readonly id: string;
  /**
   * Keeps the TTL check passing. Rejects with `RegistryError`: `refused` when the agent does not know the check any
   * more, which no repetition mends; otherwise when it does not answer. Says nothing of who holds the key.
   */
  renew(): Promise<void>;
  /**
   * null when somebody else holds the key or its lock-delay runs. Rejects with `RegistryError` `refused` when the
   * session itself is gone (while the lock-delay runs that may come as null).
   */
  acquire(): Promise<Lease | null>;
  /** Releases the key and destroys the session: the next one may take over at once. */
  close(): Promise<void>;
}

/** The sequencer: names one period of leadership, and is stamped on all that is created in it. */
export interface Lease {
  readonly sessionId: string;
  readonly lockIndex: number;
}

export interface LeaderInfo {
  readonly node: string;
  readonly processId: number;
  readonly version: string;
  /** Where its API answers, for hand-over by one-shots on other machines; null when it has none. */
  readonly address: string | null;
}

export interface LeaderView {
  readonly holder: LeaderInfo | null;
  /** Under which lease it is held: how a holder sees that it still is one. null when nobody holds the key. */
  readonly lease: Lease | null;
  readonly index: number;
}

/** Keys are relative to the environment: `memory/services/web`, `memory/fleet`, `history/web`. */
export interface MemoryEntry {
  readonly key: string;
  readonly text: string;
  readonly modifyIndex: number;
}

export interface MemoryWrite {
  readonly key: string;
  /** null deletes. */
  readonly text: string | null;
  /** 0: must not exist yet. */
  readonly modifyIndex: number;
}

export type CommitResult =
  | { readonly kind: "committed"; readonly entries: readonly { readonly key: string; readonly modifyIndex: number }[] }
  | { readonly kind: "lock-lost" }
  | { readonly kind: "changed"; readonly keys: readonly string[] };
