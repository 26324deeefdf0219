import type { RedisAddress, RedisNode } from "../../src/model/redis.ts";
import type { TrueContainer } from "./container.ts";
import type { Dataset } from "./redis-data.ts";

/** One run of a Redis process as it truly is. Only redis-servers.ts and redis-replication.ts change one. */
export interface RedisProcess {
  readonly container: TrueContainer;
  readonly service: string;
  readonly runId: string;
  /** It accepts connections; a process that has just begun does not yet. */
  listening: boolean;
  ended: boolean;
  /** Stopped by a signal: connections are taken, nothing is answered. */
  stopped: boolean;
  /** Answers everything with an error. */
  failing: boolean;
  /** Somebody has set a password that `heal` does not know. */
  locked: boolean;
  loadingUntilMs: number;
  follows: RedisAddress | null;
  link: Link | null;
  readonly followers: Set<Link>;
  /** Since when it has been without its master; null: it was never linked since it became a replica. */
  downSinceMs: number | null;
  replicationId: string;
  secondReplicationId: string | null;
  secondOffset: number;
  offset: number;
  /** It knows where it was in its history; forgotten when a copy of everything begins. */
  resumes: boolean;
  /** Nothing is counted before the first replica has come. */
  counts: boolean;
  data: Dataset;
  /** What was copied aside within its container. */
  readonly copies: Dataset[];
  priority: number;
  readonly settings: Map<string, string>;
  /** Until when its clients' writes are held. */
  heldUntilMs: number;
  readonly heldWrites: (() => void)[];
  /** What reached it while it was hung. */
  asleep: (() => void)[];
  cancelConnect: () => void;
}

/** A replica's connection to its master. */
export interface Link {
  readonly replica: RedisProcess;
  readonly master: RedisProcess;
  state: "copying" | "loading" | "up";
  alive: boolean;
  /** Since when nothing has come through; null while it does. */
  blockedSinceMs: number | null;
  /** What the master has sent last. */
  sent: Sent | null;
}

export interface Sent {
  readonly offset: number;
  readonly data: Dataset;
}

export function isHung({ container, stopped }: RedisProcess): boolean {
  return stopped || container.sick || container.state === "paused";
}

/** What `INFO` says. Written after a Redis 7.0.15 that was asked in each of these states. */
export function saysOf(process: RedisProcess, nowMs: number): RedisNode {
  const { follows, link, downSinceMs } = process;
  const isUp = link?.state === "up";
  return {
    role: follows === null ? "master" : "replica",
    runId: process.runId,
    version: "7.0.15",
    loading: nowMs < process.loadingUntilMs || link?.state === "loading",
    replicationId: process.replicationId,
    secondReplicationId: process.secondReplicationId,
    secondOffset: process.secondOffset,
    offset: process.offset,
    priority: process.priority,
    announced: true,
    empty: process.data.writes === 0,
    handingOver: false,
    follows:
      follows === null
        ? null
        : {
            master: follows,
            up: isUp,
            syncing: link !== null && !isUp,
            downForMs: isUp ? 0 : downSinceMs === null ? null : Math.floor((nowMs - downSinceMs) / 1_000) * 1_000,
          },
    followers: [...process.followers].map(({ replica, state }) => ({
      address: { host: "", port: 0 },
      online: state === "up",
      offset: replica.offset,
    })),
  };
}
