import type { Clock } from "../ports/clock.ts";
import type { Engine, EngineEvent } from "../ports/engine.ts";

/** What following an engine makes of what it hears. */
export interface HostListener {
  /** Events are not missed any more from here on: time to list everything. Never rejects. */
  opened(): Promise<void>;
  event(event: EngineEvent): void;
  /** Resolves to whether the engine answers. Never rejects. */
  isAlive(): Promise<boolean>;
  /** The events cannot be relied on any more. */
  broken(error: unknown): void;
}

const PROBE_EVERY_MS = 1_000;
const OPEN_WITHIN_MS = 10_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2_000;
/** A stream that lived so long was a good one: its end is answered at once. */
const GOOD_AFTER_MS = 10_000;

/** Follows an engine's events until the signal fires, over as many streams as that takes. Never rejects. */
export async function followHost(
  { engine, clock }: { readonly engine: Engine; readonly clock: Clock },
  listener: HostListener,
  until: AbortSignal,
): Promise<void> {
  // No listeners of its own on the caller's signal, which as many follow as there are hosts.
  const signal = AbortSignal.any([until]);
  let waitMs = RECONNECT_MIN_MS;
  while (!signal.aborted) {
    const beganMs = clock.steadyMs();
    await followOnce(engine, clock, listener, signal);
    if (signal.aborted) return;
    if (clock.steadyMs() - beganMs >= GOOD_AFTER_MS) waitMs = RECONNECT_MIN_MS;
    await clock.sleep(waitMs, signal);
    waitMs = Math.min(RECONNECT_MAX_MS, waitMs * 2);
  }
}

/** One stream, from its opening to its end. */
async function followOnce(engine: Engine, clock: Clock, listener: HostListener, signal: AbortSignal): Promise<void> {
  const round = new AbortController();
  const end = (): void => round.abort();
  const broken = (error: unknown): void => {
    if (round.signal.aborted) return;
    listener.broken(error);
    end();
  };
  let isOpen = false;
  const opened = (): void => {
    isOpen = true;
    void listener.opened();
  };
  signal.addEventListener("abort", end, { once: true });
  const watching = watchOver(clock, listener, () => isOpen, broken, round.signal);
  try {
    await engine.follow(round.signal, opened, (event) => listener.event(event));
    broken(new Error("its event stream ended"));
  } catch (error) {
    broken(error);
  }
  signal.removeEventListener("abort", end);
  await watching;
}

/** A stream may be half-open: only an answer tells that the engine is there. */
async function watchOver(
  clock: Clock,
  listener: HostListener,
  isOpen: () => boolean,
  broken: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const beganMs = clock.steadyMs();
  while ((await clock.sleep(PROBE_EVERY_MS, signal)) === "elapsed") {
    if (!isOpen()) {
      if (clock.steadyMs() - beganMs >= OPEN_WITHIN_MS) broken(new Error("its event stream does not open"));
    } else if (!(await listener.isAlive())) broken(new Error("it does not answer"));
  }
}
