import pLimit from "p-limit";

/** Containers that are being started, by host: so many at once and no more, whichever services they are for. */
export interface Starts {
  run<T>(host: string, work: () => Promise<T>): Promise<T>;
  /** Those under way and those that wait for their turn. */
  underWay(host: string): number;
}

/** `perHost`: an engine that is asked for many at once starts none of them sooner. */
export function openStarts(perHost: number): Starts {
  const limits = new Map<string, ReturnType<typeof pLimit>>();
  return {
    run(host, work) {
      const limit = limits.get(host) ?? pLimit(perHost);
      limits.set(host, limit);
      return limit(work);
    },
    underWay(host) {
      const limit = limits.get(host);
      return limit === undefined ? 0 : limit.activeCount + limit.pendingCount;
    },
  };
}
