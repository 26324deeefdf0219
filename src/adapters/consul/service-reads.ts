import type { Registration } from "../../model/instance.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Answer } from "../../ports/registry.ts";
import { openLanes } from "../lanes.ts";
import type { AllServices } from "./read-all.ts";

type ServiceAnswer = Answer<readonly Registration[]>;

export interface ServiceReadsDeps {
  readonly one: (name: string) => Promise<ServiceAnswer>;
  /** null where there are more nodes than that. */
  readonly all: (nodesMax: number) => Promise<AllServices | null>;
  readonly clock: Clock;
}

/** Reads one service as it is at `asOfMs` or later; absent: from now on. */
export type ReadServiceAsOf = (name: string, asOfMs?: number) => Promise<ServiceAnswer>;

/** So many are read at once one by one. */
const AT_ONCE = 32;
/** So many go out without a look at whether more are coming. */
const UNASKED = 8;
/**
 * From so many that wait on, everything is read instead: two requests for each node in place of one for each service. But
 * not for a small part of what there is, of which most would be read for nothing.
 */
const WORTH_ALL = { atLeast: 64, ofAll: 0.25 };
const SERVICES_PER_NODE = 4;
/** Hundreds come a few in each turn of the event loop. As long as more come they are waited for, but no longer than this. */
const GATHER_TURNS_MAX = 200;
/** Thousands come one after the other for as long as this; what was read for the first of them answers all. */
const KEPT_MS = 5_000;

/** Of everything: under way, or kept for those that come later. */
interface Reading {
  readonly asOfMs: number;
  /** null: it was not worth it, or failed; each is read alone then, and told what is wrong by that. */
  readonly done: Promise<AllServices | null>;
}

/**
 * Reads services by name. One that is asked for alone is read alone and at once. Of hundreds, as at a start or after
 * Consul was away, all but the first few are answered from one reading of everything, which begins no earlier than the
 * time as of which each is asked for.
 */
export function openServiceReads({ one, all, clock }: ServiceReadsDeps): ReadServiceAsOf {
  const lanes = openLanes(AT_ONCE);
  let alone = 0;
  let waiting: Waiting[] = [];
  let isGathering = false;
  let isReadingAll = false;
  let reading: Reading | null = null;
  /** As of the last reading of everything; before that nothing is known, and whoever asks for many is a start. */
  let servicesInAll: number | null = null;

  const readAlone = (name: string): Promise<ServiceAnswer> => {
    alone += 1;
    return lanes(() => one(name)).finally(() => (alone -= 1));
  };
  const readFrom = async (name: string, { asOfMs, done }: Reading): Promise<ServiceAnswer> => {
    const found = await done;
    const value = found?.value.get(name);
    return found === null || value === undefined ? readAlone(name) : { ...found, value, asOfMs };
  };
  const isWorthAll = (): boolean =>
    waiting.length >= Math.max(WORTH_ALL.atLeast, (servicesInAll ?? 0) * WORTH_ALL.ofAll);
  /** Waits for the last of those that are asked for together, unless it is known that these are enough. */
  const gather = (turnsLeft = GATHER_TURNS_MAX, before = 0): void => {
    isGathering = true;
    setImmediate(() => {
      const isEnough = servicesInAll !== null && isWorthAll();
      if (waiting.length > before && turnsLeft > 0 && !isEnough) return gather(turnsLeft - 1, waiting.length);
      isGathering = false;
      if (!isReadingAll) flush();
    });
  };
  const flush = (): void => {
    const begun = isWorthAll() ? beginReading(waiting.length) : null;
    for (const { name, answer } of waiting) answer(begun === null ? readAlone(name) : readFrom(name, begun));
    waiting = [];
  };
  const beginReading = (asked: number): Reading => {
    isReadingAll = true;
    const asOfMs = clock.steadyMs();
    const done = all(Math.floor(asked / SERVICES_PER_NODE)).catch(() => null);
    const begun = { asOfMs, done };
    const forget = (): void => {
      if (reading === begun) reading = null;
    };
    reading = begun;
    void done.then((found) => {
      isReadingAll = false;
      servicesInAll = found?.value.size ?? servicesInAll;
      if (found === null) forget();
      else clock.after(KEPT_MS, forget);
      if (waiting.length > 0 && !isGathering) gather();
    });
    return begun;
  };

  return (name, asOfMs = clock.steadyMs()) => {
    if (reading !== null && reading.asOfMs >= asOfMs) return readFrom(name, reading);
    if (waiting.length === 0 && alone < UNASKED) return readAlone(name);
    return new Promise((resolve) => {
      waiting.push({ name, answer: resolve });
      if (!isGathering && !isReadingAll) gather();
    });
  };
}

interface Waiting {
  readonly name: string;
  readonly answer: (reading: Promise<ServiceAnswer>) => void;
}
