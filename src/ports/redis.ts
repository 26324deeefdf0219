import type { RedisAddress, RedisNode, RedisTroubleKind, RoleWish } from "../model/redis.ts";
import type { Secret } from "../model/secret.ts";

/**
 * Redis processes, each asked by itself. Every call has a deadline and rejects with `RedisError`; none is retried.
 * A connection is kept for each address and made anew after any failure.
 */
export interface Redis {
  /** What the process says of itself. */
  look(at: RedisEndpoint, deadlineMs: number): Promise<RedisNode>;
  /** Makes it follow a master, or nobody. Resolves when it has taken the order, not when it is done. */
  follow(at: RedisEndpoint, master: RedisAddress | null): Promise<void>;
  /** Sets configuration parameters one by one; resolves to those that it would not take, with the reason. */
  configure(at: RedisEndpoint, settings: readonly RedisSetting[]): Promise<readonly string[]>;
  /**
   * Holds the writes of its clients for so long (`CLIENT PAUSE`); 0 lets them go on. Rejects with `failing` where only
   * all commands could be held (before Redis 6.2), ours among them.
   */
  pauseWrites(at: RedisEndpoint, forMs: number): Promise<void>;
  /** Writes its data to disk and resolves to the path of the file within its container. */
  save(at: RedisEndpoint, deadlineMs: number): Promise<string>;
  /** Who this Sentinel takes for the master of that name. */
  masterBySentinel(at: RedisEndpoint, masterName: string, deadlineMs: number): Promise<RedisAddress>;
  /**
   * Tells the name of every master that this Sentinel has replaced, and null after each new connection, when something may
   * have been missed. Ends with the signal, never rejects.
   */
  followSentinel(at: RedisEndpoint, told: (masterName: string | null) => void, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** A process and how to be let in. */
export interface RedisEndpoint {
  readonly address: RedisAddress;
  readonly login: RedisLogin | null;
  readonly tls: RedisTlsTexts | null;
}

export interface RedisLogin {
  /** null: the default user. */
  readonly username: string | null;
  readonly password: Secret;
}

/** PEM texts. */
export interface RedisTlsTexts {
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: Secret | null;
  readonly serverName: string | null;
}

export interface RedisSetting {
  readonly name: string;
  readonly value: string | Secret;
}

/** The role tags of a service in Consul's catalog, where no agent brings them back. */
export interface RoleTags {
  /**
   * Sets the tags of all registrations under the name in one transaction that fails as a whole when any of them changed
   * meanwhile, and then reads and tries again. What is right already is not written. Rejects with `RegistryError`.
   */
  retag(wish: RetagWish, fence: () => unknown): Promise<"changed" | "same">;
}

export interface RetagWish extends RoleWish {
  readonly consulName: string;
}

export class RedisError extends Error {
  override readonly name = "RedisError";
  readonly kind: RedisTroubleKind;
  constructor(kind: RedisTroubleKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
