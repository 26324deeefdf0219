import type { Cancel, Clock } from "../ports/clock.ts";

/** Hints that services should be looked at again. A nudge carries no decision; it only says where to look. */
export interface Nudges {
  /** null: every service. Cheap, and safe to call at any time. */
  nudge(services: readonly string[] | null): void;
  /** Looks at the service at that time unless it is looked at before; null: not without a reason. */
  wakeAt(service: string, atMs: number | null): void;
  /** Runs `work` once no pass is under way for these services, and lets none begin until it has ended. */
  exclusive<T>(services: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is due and no pass is under way. */
  idle(): Promise<void>;
  /** Takes no more nudges; resolves when the passes under way have ended. */
  stop(): Promise<void>;
}

export interface NudgesDeps {
  readonly clock: Clock;
  readonly all: () => readonly string[];
  /**
   * One pass over these services; tells when it has seen and decided, and each service as soon as it is settled. Never
   * rejects.
   */
  readonly pass: (
    services: readonly string[],
    settled: (service: string) => void,
    decided: () => void,
  ) => Promise<void>;
}

/**
 * More than these are looked at in several passes, between which the process can answer others: planning one takes a
 * tenth of a millisecond, so that nobody waits for longer than some milliseconds.
 */
const PASS_MAX = 25;

/**
 * Of a look at everything, so many passes wait for answers at once. What ten thousand services have under way would
 * outlive the collector's young generation, and whatever happens meanwhile would have to wait behind all of them.
 */
const PASSES_OVER_ALL_MAX = 20;

/**
 * Coalesces nudges into passes. A service is `idle`, `due` or `busy`; a nudge for a busy one makes it due again when
 * it settles. All that are due start together, those that somebody named before those that are looked at because all are,
 * and none waits for another's slow action. What waits is a set of names, so a storm of events costs no more memory than
 * there are services.
 */
export function openNudges({ clock, all, pass }: NudgesDeps): Nudges {
  const due = new Set<string>();
  /** Due only because all are. */
  const dueWithAll = new Set<string>();
  let passesOverAll = 0;
  const busy = new Set<string>();
  /** Kept for exclusive work: not begun, though due. */
  const reserved = new Map<string, number>();
  const wakeUps = new Map<string, Cancel>();
  const watchers = new Set<() => void>();
  let scheduled: Cancel | null = null;
  let underWay = 0;
  let stopped = false;

  const mayBegin = (name: string): boolean => !busy.has(name) && !reserved.has(name);
  /** As many of those that are due, at the most. Does not go through all of them: this is asked for each that settles. */
  const beginnable = (max: number): string[] => {
    const names: string[] = [];
    for (const from of passesOverAll < PASSES_OVER_ALL_MAX ? [due, dueWithAll] : [due]) {
      for (const name of from) {
        if (names.length === max) return names;
        if (mayBegin(name)) names.push(name);
      }
    }
    return names;
  };
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        if (!condition()) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
    });
  const isIdle = (): boolean => underWay === 0 && scheduled === null;

  const schedule = (): void => {
    if (scheduled !== null || stopped || beginnable(1).length === 0) return;
    scheduled = clock.after(0, () => {
      scheduled = null;
      const names = beginnable(PASS_MAX);
      let isOverAll = false;
      for (const name of names) if (!due.delete(name)) isOverAll = dueWithAll.delete(name);
      if (isOverAll) passesOverAll += 1;
      const decided = (): void => {
        if (!isOverAll) return;
        isOverAll = false;
        passesOverAll -= 1;
        schedule();
      };
      schedule();
      void occupy(names, (settled) => pass(names, settled, decided).finally(decided));
    });
  };
  const occupy = async <T>(
    names: readonly string[],
    work: (settled: (name: string) => void) => Promise<T>,
  ): Promise<T> => {
    for (const name of names) busy.add(name);
    const settled = (name: string): void => {
      if (!busy.delete(name)) return;
      schedule();
      changed();
    };
    underWay += 1;
    try {
      return await work(settled);
    } finally {
      underWay -= 1;
      names.forEach(settled);
      changed();
    }
  };
  const cancelWakeUp = (service: string): void => {
    wakeUps.get(service)?.();
    wakeUps.delete(service);
  };
  const nudge = (services: readonly string[] | null): void => {
    if (stopped) return;
    for (const name of services ?? all()) {
      if (services === null) {
        if (!due.has(name)) dueWithAll.add(name);
      } else {
        dueWithAll.delete(name);
        due.add(name);
      }
    }
    schedule();
  };
  const reserve = (services: readonly string[], by: 1 | -1): void => {
    for (const name of services) {
      const count = (reserved.get(name) ?? 0) + by;
      if (count === 0) reserved.delete(name);
      else reserved.set(name, count);
    }
  };

  return {
    nudge,
    wakeAt(service, atMs) {
      cancelWakeUp(service);
      if (atMs === null || stopped) return;
      const wake = (): void => {
        wakeUps.delete(service);
        nudge([service]);
      };
      wakeUps.set(service, clock.after(Math.max(0, atMs - clock.steadyMs()), wake));
    },
    async exclusive(services, work) {
      reserve(services, 1);
      try {
        await until(() => !services.some((name) => busy.has(name)));
        return await occupy(services, work);
      } finally {
        reserve(services, -1);
        schedule();
      }
    },
    idle: () => until(isIdle),
    async stop() {
      stopped = true;
      scheduled?.();
      scheduled = null;
      due.clear();
      dueWithAll.clear();
      for (const service of wakeUps.keys()) cancelWakeUp(service);
      await until(isIdle);
    },
  };
}
