import type { Clock } from "../ports/clock.ts";
import type { LeaderInfo, Lease } from "../ports/coordination.ts";

/** Where this process stands in the election; the kinds are told of in leadership.ts. */
export type LeadershipStanding = { readonly sinceMs: number } & (
  | { readonly kind: "seeking"; readonly reason: string }
  | { readonly kind: "follower"; readonly holder: LeaderInfo }
  | { readonly kind: "candidate" }
  | { readonly kind: "leader"; readonly lease: Lease }
  | { readonly kind: "suspended"; readonly lease: Lease; readonly reason: string }
  | { readonly kind: "stopped" }
);

export interface Board {
  readonly standing: () => LeadershipStanding;
  readonly onChange: (callback: (standing: LeadershipStanding) => void) => () => void;
  post(news: News): void;
}

type News = LeadershipStanding extends infer S ? (S extends unknown ? Omit<S, "sinceMs"> : never) : never;

export function standingBoard(clock: Clock): Board {
  let standing: LeadershipStanding = { kind: "seeking", reason: "not asked yet", sinceMs: clock.steadyMs() };
  const callbacks = new Set<(standing: LeadershipStanding) => void>();
  return {
    standing: () => standing,
    onChange(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
    post(news) {
      const { sinceMs, ...before } = standing;
      if (JSON.stringify(news) === JSON.stringify(before)) return;
      // Another reason, or another holder, is no new beginning.
      standing = { ...news, sinceMs: news.kind === before.kind ? sinceMs : clock.steadyMs() };
      for (const callback of callbacks) callback(standing);
    },
  };
}

/** The standing once it is one of `kinds`, or whatever it is after `withinMs`. */
export async function settled(
  clock: Clock,
  board: Board,
  withinMs: number,
  kinds: readonly LeadershipStanding["kind"][] = ["leader", "follower", "stopped"],
): Promise<LeadershipStanding> {
  const isSettled = ({ kind }: LeadershipStanding): boolean => kinds.includes(kind);
  if (isSettled(board.standing())) return board.standing();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      forget();
      resolve(board.standing());
    };
    const cancel = clock.after(withinMs, finish);
    const forget = board.onChange((standing) => isSettled(standing) && finish());
  });
}

/** Why nothing may be done, as the end of a sentence. */
export function describeStanding(standing: LeadershipStanding): string {
  switch (standing.kind) {
    case "follower":
      return `the heal on ${standing.holder.node} leads`;
    case "candidate":
      return "nobody leads yet";
    case "seeking":
      return `it is not known who leads (${standing.reason})`;
    case "leader":
    case "suspended":
      return "leadership has just ended";
    case "stopped":
      return "heal is stopping";
  }
}
