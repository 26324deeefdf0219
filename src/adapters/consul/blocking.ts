import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Answer } from "../../ports/registry.ts";
import { full, take, type Bucket, type BucketLimits } from "./token-bucket.ts";

/** Where a blocking query stands: the index to ask from, and what was last told. */
export interface Position {
  readonly index: number;
  readonly fingerprint: string | null;
}

export const start: Position = { index: 0, fingerprint: null };

export type Verdict =
  | { readonly kind: "changed" | "same"; readonly position: Position }
  /** Not to be believed; asked again from where it stood. */
  | { readonly kind: "doubtful"; readonly position: Position; readonly reason: string };

/**
 * What an answer means, by Consul's rules for clients of blocking queries ("Implementation details" in its API
 * documentation): an index that went back starts over from 0, 0 counts as 1, and the same index (the wait was over) is
 * no change. Nor is another index over the same content: unrelated writes move it. The fingerprint is only taken where
 * it matters, which is not after a wait that nothing ended.
 */
export function judge(position: Position, answer: Answer<unknown>, fingerprint: () => string): Verdict {
  if (!answer.knownLeader) return { kind: "doubtful", position, reason: "Consul answers without a leader" };
  if (answer.filtered) return { kind: "doubtful", position, reason: "Consul leaves out what the token may not see" };
  const index = answer.index < position.index ? 0 : Math.max(1, answer.index);
  if (index === position.index) return { kind: "same", position };
  const print = fingerprint();
  return { kind: print === position.fingerprint ? "same" : "changed", position: { index, fingerprint: print } };
}

export interface FollowDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export interface Followed<T> {
  /** One blocking query from that index; 0 answers at once. */
  ask(from: { readonly index: number; readonly waitMs: number; readonly signal: AbortSignal }): Promise<Answer<T>>;
  /** Two answers with the same fingerprint mean the same to the follower. */
  fingerprint(answer: Answer<T>): string;
  onChange(value: T): void;
  /** It cannot be seen at present; told once until `onRecovered`. */
  onTrouble(reason: string): void;
  onRecovered(): void;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly waitMs: number;
  /** How often it may be asked, whatever the answers are. */
  readonly rate: BucketLimits;
  readonly backOff: { readonly initialMs: number; readonly maxMs: number };
}

/**
 * A server that led and has lost its quorum keeps what it blocks until the wait is over, says it knows a leader, and
 * only then, some seconds later, that it has none (1.8): the wait is how long that may go unnoticed.
 */
export const defaultFollow: Omit<FollowOptions, "signal"> = {
  waitMs: 10_000,
  rate: { burst: 20, perSecond: 20 },
  backOff: { initialMs: 250, maxMs: 5_000 },
};

/** Follows one blocking query until the signal fires, then resolves. Never rejects. */
export async function follow<T>(deps: FollowDeps, followed: Followed<T>, options: FollowOptions): Promise<void> {
  const { clock, random } = deps;
  const { signal } = options;
  let position = start;
  let bucket: Bucket = full(options.rate, clock.steadyMs());
  let failures = 0;

  const failed = async (reason: string): Promise<void> => {
    if (failures === 0) followed.onTrouble(reason);
    failures += 1;
    await clock.sleep(backOffMs(options.backOff, failures, random.next()), signal);
  };

  while (!signal.aborted) {
    const taken = take(bucket, options.rate, clock.steadyMs());
    bucket = taken.bucket;
    if (taken.waitMs > 0 && (await clock.sleep(taken.waitMs, signal)) === "aborted") return;
    let verdict: Verdict;
    let answer: Answer<T>;
    try {
      // After trouble at once, since nothing may have changed and a blocking query would say so only after the wait.
      const asked = await followed.ask({ index: failures > 0 ? 0 : position.index, waitMs: options.waitMs, signal });
      verdict = judge(position, asked, () => followed.fingerprint(asked));
      answer = asked;
    } catch (error) {
      if (signal.aborted) return;
      await failed((error as Error).message);
      continue;
    }
    if (signal.aborted) return;
    position = verdict.position;
    if (verdict.kind === "doubtful") {
      await failed(verdict.reason);
      continue;
    }
    if (failures > 0) followed.onRecovered();
    failures = 0;
    if (verdict.kind === "changed") followed.onChange(answer.value);
  }
}

/** Doubles from the initial delay; half of each is drawn, so that many clients do not come back together. */
export function backOffMs(limits: FollowOptions["backOff"], failures: number, drawn: number): number {
  const ms = Math.min(limits.maxMs, limits.initialMs * 2 ** Math.min(30, failures - 1));
  return ms / 2 + (ms / 2) * drawn;
}
