import type { Known } from "./known.ts";

/** Where a Redis process listens, as seen by somebody. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** What one Redis process says of itself (`INFO`). */
export interface RedisNode {
  readonly role: "master" | "replica";
  /** New with every start of the process. */
  readonly runId: string;
  readonly version: string;
  readonly loading: boolean;
  /** Names the history that its data belongs to; a promoted replica keeps the one before as the second. */
  readonly replicationId: string;
  readonly secondReplicationId: string | null;
  /** Up to where the second history is part of the first. */
  readonly secondOffset: number;
  /** How far it has come in the history: written by a master, received by a replica. */
  readonly offset: number;
  readonly priority: number;
  /** False for a replica that hides itself (`replica-announced no`). */
  readonly announced: boolean;
  /** No keys at all. */
  readonly empty: boolean;
  /** Its last write to disk has failed: it may refuse its clients' writes until one succeeds. */
  readonly cannotSave?: boolean;
  /** Replicas that are up to date enough to count for `min-replicas-to-write`; absent where it does not count them. */
  readonly goodReplicas?: number;
  /** A coordinated `FAILOVER` is under way. */
  readonly handingOver: boolean;
  /** What a replica follows; null for a master. */
  readonly follows: RedisLink | null;
  /** Those who follow it, by the addresses they announce. */
  readonly followers: readonly RedisFollower[];
  /** Not said by itself: where its name led when it was asked; absent where it was asked by address. */
  readonly resolvedTo?: string;
}

export interface RedisLink {
  readonly master: RedisAddress;
  readonly up: boolean;
  /** A full copy is under way: until it ends there is no usable data. */
  readonly syncing: boolean;
  /** How long the link has been down; 0 while it is up, null when it has never been up. */
  readonly downForMs: number | null;
}

export interface RedisFollower {
  readonly address: RedisAddress;
  readonly online: boolean;
  readonly offset: number;
}

/**
 * Why a node could not be asked. `refused`: nobody listens. `silent`: no answer in time. `denied`: the password or user
 * is wrong. `loading`: it reads its data. `failing`: it answers, with errors.
 */
export type RedisTroubleKind = "refused" | "silent" | "denied" | "loading" | "failing";

export interface RedisTrouble {
  readonly kind: RedisTroubleKind;
  readonly message: string;
  /** Since when there has been no good answer, on the steady clock: the time of the last one. */
  readonly sinceMs: number;
}

/** One live instance of a Redis service, as it was seen. */
export interface RedisNodeView {
  readonly containerId: string;
  /** Name of its container. */
  readonly name: string;
  readonly slot: number | null;
  readonly host: string;
  readonly registration: RegistrationKey | null;
  /** Where `heal` reaches it. */
  readonly address: RedisAddress;
  /** Where the other nodes reach it. */
  readonly peer: RedisAddress;
  /** Every address that means this node, these two included. */
  readonly aliases: readonly RedisAddress[];
  /** What it says now; unknown when it does not answer. */
  readonly now: Known<RedisNode>;
  /** What it said last, however long ago. */
  readonly last: { readonly node: RedisNode; readonly atMs: number } | null;
  readonly trouble: RedisTrouble | null;
  /** When its offset was last seen to have moved: what a replica has received, it has received from a living master. */
  readonly movedAtMs: number | null;
}

export interface RedisLastWord {
  readonly node: RedisNode;
  readonly atMs: number;
  /** By then it had ended for certain; null where only nothing was heard of it any more. */
  readonly endedByMs: number | null;
}

export interface RedisObservation {
  readonly nodes: readonly RedisNodeView[];
  /** What was last heard of processes that are gone, by run id: one that began anew in its place is another. */
  readonly gone: Readonly<Record<string, RedisLastWord>>;
  /** Who Sentinel says is the master; null when the service does not ask it. */
  readonly sentinel: Known<RedisAddress> | null;
}

/** One node as an action names it: enough to act although the observation is gone. */
export interface RedisRef {
  readonly containerId: string;
  readonly name: string;
  readonly host: string;
  readonly registration: RegistrationKey | null;
  readonly address: RedisAddress;
  readonly peer: RedisAddress;
  readonly runId: string | null;
}

/**
 * Why a master is made. `first`: there was none. `gone`: its container ended. `silent`: it and its replicas have
 * nothing of each other. `restarted`: its process began anew. `demoted`: it calls itself a replica. `person`: by
 * `heal redis promote`. `switchover`: by `heal redis switchover`. `adopted`: found so, not made by `heal`.
 */
export type RedisCause = "first" | "gone" | "silent" | "restarted" | "demoted" | "person" | "switchover" | "adopted";

/** What is remembered of a Redis service between passes: plain data, versioned apart from the rest of Memory. */
export interface RedisMemory {
  readonly version: typeof REDIS_MEMORY_VERSION;
  /** Counts the changes of master. */
  readonly epoch: number;
  readonly master: RedisMasterMemory | null;
  /** Since when that process has been remembered as the master; null: nobody knows. */
  readonly masterSinceMs: number | null;
  /** A change of master that was written down before its first step and is not over yet. */
  readonly change: RedisChange | null;
  readonly last: RedisPastChange | null;
  /** No further failover before this. */
  readonly cooldownUntilMs: number;
  /** Nodes that were told the service's settings: container id → run id and hash of the settings. */
  readonly configured: Readonly<Record<string, string>>;
  /** Nodes that could not be attached or configured: container id → no further try before. */
  readonly notBeforeMs: Readonly<Record<string, number>>;
  /**
   * Nodes that lost the master's tag and whose agents have not been told so: container id → no further try before. With
   * tag override such an agent may write the tag back.
   */
  readonly untold: Readonly<Record<string, number>>;
  /** Since when instances have been waiting for all others to be there before the first master is chosen. */
  readonly waitingSinceMs: number | null;
  /** Since when the master has not been well; null while it is. */
  readonly downSinceMs: number | null;
  /** What a person asked for; over once it is done or has become impossible. */
  readonly wish: RedisWish | null;
}

export const REDIS_MEMORY_VERSION = 1;

export interface RedisMasterMemory {
  readonly containerId: string;
  readonly name: string;
  readonly host: string;
  readonly slot: number | null;
  readonly runId: string;
  readonly peer: RedisAddress;
  /** Of what history its data is; absent where that was not remembered. */
  readonly history?: RedisHistory;
}

/** What names the history of a node's data; see `RedisNode`. */
export type RedisHistory = Pick<RedisNode, "replicationId" | "secondReplicationId" | "secondOffset">;

export interface RedisChange {
  readonly epoch: number;
  readonly cause: RedisCause;
  readonly from: { readonly containerId: string; readonly name: string } | null;
  readonly to: { readonly containerId: string; readonly name: string; readonly runId: string };
  readonly gapBytes: number | null;
  readonly sinceMs: number;
  /** What happened when, once it has been carried out. */
  readonly timeline?: string | null;
}

export interface RedisPastChange {
  readonly epoch: number;
  readonly cause: RedisCause;
  readonly from: string | null;
  readonly to: string;
  readonly gapBytes: number | null;
  readonly tookMs: number;
  readonly atMs: number;
  /** What happened when; null where whoever made the change did not come to tell. */
  readonly timeline?: string | null;
}

export interface RedisWish {
  readonly kind: "switchover" | "promote";
  /** Name of a container or number of a slot; null: whichever is best. */
  readonly to: string | null;
  readonly untilMs: number;
}

export const noRedisMemory: RedisMemory = {
  version: REDIS_MEMORY_VERSION,
  epoch: 0,
  master: null,
  masterSinceMs: null,
  change: null,
  last: null,
  cooldownUntilMs: 0,
  configured: {},
  notBeforeMs: {},
  untold: {},
  waitingSinceMs: null,
  downSinceMs: null,
  wish: null,
};

/** How a Redis service stands as a whole, by name. `well` is the only one that needs nobody. */
export type RedisStandingKind =
  | "well"
  | "starting"
  | "failing-over"
  | "master-silent"
  | "none-eligible"
  | "too-much-loss"
  | "two-masters"
  | "wrong-password"
  | "loading"
  | "stranger"
  | "chain"
  | "replicas-lag-behind"
  | "diverged"
  | "cannot-save"
  | "too-few-replicas"
  | "unseen";

export interface RedisStanding {
  readonly kind: RedisStandingKind;
  /** A sentence for the operator. */
  readonly sentence: string;
  /** Whether somebody can write: a service without a master is down, however many of its instances run. */
  readonly writable: boolean;
}

/** Whether there is a master; it may refuse writes. */
export function hasMaster({ kind, writable }: RedisStanding): boolean {
  return writable || kind === "too-few-replicas";
}

/**
 * One entry of Consul's catalog: its node and its id. The id alone does not tell: that of a slot is listed on two nodes
 * while the host that had the slot before is out of reach.
 */
export type RegistrationKey = `${string}/${string}`;

export function registrationKey({ node, id }: { readonly node: string; readonly id: string }): RegistrationKey {
  return `${node}/${id}`;
}

/** Who shall carry which role tag. */
export interface RoleWish {
  readonly masterTag: string;
  readonly replicaTag: string;
  readonly master: RegistrationKey | null;
  readonly replicas: readonly RegistrationKey[];
  /** Whose role is not known: never the master's tag; a replica's stays if it is there. */
  readonly unsure: readonly RegistrationKey[];
}

/** The tags of one registration with the roles as wished: its own stay, and of the role tags there is one or none. */
export function tagsByRole(key: RegistrationKey, tags: readonly string[], wish: RoleWish): readonly string[] {
  const { masterTag, replicaTag } = wish;
  const own = tags.filter((tag) => tag !== masterTag && tag !== replicaTag);
  const wasReplica = tags.includes(replicaTag);
  const role =
    key === wish.master
      ? masterTag
      : wish.replicas.includes(key) || (wish.unsure.includes(key) && wasReplica)
        ? replicaTag
        : null;
  const wanted = role === null ? own : [...own, role];
  const isSame = wanted.length === tags.length && wanted.every((tag) => tags.includes(tag));
  return isSame ? tags : wanted;
}

export function isSameAddress(a: RedisAddress, b: RedisAddress): boolean {
  return a.host === b.host && a.port === b.port;
}

/**
 * Whether all that a node holds is in the master's history: it is of the same history up to where it has come, or of the
 * one that the master took over, and has not gone on after that.
 */
export function isPartOf(node: RedisNode, master: RedisNode): boolean {
  const ids = [node.replicationId, node.secondReplicationId].filter((id) => id !== null && id !== "");
  if (node.role === "replica" && ids.includes(master.replicationId)) return node.offset <= master.offset;
  const second = master.secondReplicationId;
  return second !== null && ids.includes(second) && node.offset <= master.secondOffset;
}
