import type { RedisNode, RedisPastChange, RedisStanding, RedisTrouble } from "./redis.ts";

/** How one Redis service stands: what `heal redis status` prints. */
export interface RedisReport {
  readonly version: 1;
  readonly environment: string;
  readonly service: string;
  readonly standing: RedisStanding;
  /** Counts the changes of master. */
  readonly epoch: number;
  /** Name of the master's container. */
  readonly master: string | null;
  readonly last: (Omit<RedisPastChange, "atMs"> & { readonly at: string }) | null;
  readonly nodes: readonly RedisNodeReport[];
}

export interface RedisNodeReport {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly role: RedisNode["role"] | null;
  readonly offset: number | null;
  /** How far behind the master it is; null for the master and where either is unknown. */
  readonly behindBytes: number | null;
  readonly link: "up" | "syncing" | "down" | null;
  readonly tags: readonly string[];
  readonly trouble: RedisTrouble["message"] | null;
}
