import type { Cancel, Clock } from "../ports/clock.ts";

/** Hints that services should be looked at again. A nudge carries no decision; it only says where to look. */
export interface Nudges {
  /** null: every service. Cheap, and safe to call at any time. */
  nudge(services: readonly string[] | null): void;
  /** Looks at the service at that time unless it is looked at before; null: not without a reason. */
  wakeAt(service: string, atMs: number | null): void;
  /** Resolves when nothing is due and no pass is under way. */
  idle(): Promise<void>;
  /** Takes no more nudges; resolves when the passes under way have ended. */
  stop(): Promise<void>;
}

export interface NudgesDeps {
  readonly clock: Clock;
  readonly all: () => readonly string[];
  /** One pass over these services; tells each as soon as it is settled. Never rejects. */
  readonly pass: (services: readonly string[], settled: (service: string) => void) => Promise<void>;
}

/**
 * Coalesces nudges into passes. A service is `idle`, `due` or `busy`; a nudge for a busy one makes it due again when
 * it settles. All that are due start together, and none waits for another's slow action. What waits is a set of
 * names, so a storm of events costs no more memory than there are services.
 */
export function openNudges({ clock, all, pass }: NudgesDeps): Nudges {
  const due = new Set<string>();
  const busy = new Set<string>();
  const wakeUps = new Map<string, Cancel>();
  const waiting: (() => void)[] = [];
  let scheduled: Cancel | null = null;
  let passes = 0;
  let stopped = false;

  const announceIdle = (): void => {
    if (passes > 0 || scheduled !== null) return;
    for (const resolve of waiting.splice(0)) resolve();
  };
  const schedule = (): void => {
    if (scheduled !== null || stopped) return;
    if (![...due].some((name) => !busy.has(name))) return;
    scheduled = clock.after(0, () => {
      scheduled = null;
      void begin();
    });
  };
  const begin = async (): Promise<void> => {
    const names = [...due].filter((name) => !busy.has(name));
    for (const name of names) {
      due.delete(name);
      busy.add(name);
    }
    const settled = (name: string): void => {
      if (!busy.delete(name)) return;
      if (due.has(name)) schedule();
    };
    passes += 1;
    try {
      if (names.length > 0) await pass(names, settled);
    } finally {
      passes -= 1;
      names.forEach(settled);
      schedule();
      announceIdle();
    }
  };
  const cancelWakeUp = (service: string): void => {
    wakeUps.get(service)?.();
    wakeUps.delete(service);
  };
  const nudge = (services: readonly string[] | null): void => {
    if (stopped) return;
    for (const name of services ?? all()) due.add(name);
    schedule();
  };

  return {
    nudge,
    wakeAt(service, atMs) {
      cancelWakeUp(service);
      if (atMs === null || stopped) return;
      wakeUps.set(
        service,
        clock.after(Math.max(0, atMs - clock.steadyMs()), () => {
          wakeUps.delete(service);
          nudge([service]);
        }),
      );
    },
    idle: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        announceIdle();
      }),
    async stop() {
      stopped = true;
      scheduled?.();
      scheduled = null;
      due.clear();
      for (const service of [...wakeUps.keys()]) cancelWakeUp(service);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        announceIdle();
      });
    },
  };
}
