import type { Registration } from "../../model/instance.ts";
import type { Answer } from "../../ports/registry.ts";
import { openLanes } from "../lanes.ts";
import type { AllServices } from "./read-all.ts";

type ServiceAnswer = Answer<readonly Registration[]>;

export interface ServiceReadsDeps {
  readonly one: (name: string) => Promise<ServiceAnswer>;
  /** null where there are more nodes than that. */
  readonly all: (nodesMax: number) => Promise<AllServices | null>;
}

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

/**
 * Reads services by name. One that is asked for alone is read alone and at once. Of hundreds, as at a start or after
 * Consul was away, all but the first few are answered from one reading of everything, which begins after they were asked
 * for: so each answer is as new as it would have been by itself.
 */
export function openServiceReads({ one, all }: ServiceReadsDeps): (name: string) => Promise<ServiceAnswer> {
  const lanes = openLanes(AT_ONCE);
  let alone = 0;
  let waiting: { readonly name: string; readonly answer: (reading: Promise<ServiceAnswer>) => void }[] = [];
  let isGathering = false;
  let isReadingAll = false;
  /** As of the last reading of everything; before that nothing is known, and whoever asks for many is a start. */
  let servicesInAll = 0;

  const readAlone = (name: string): Promise<ServiceAnswer> => {
    alone += 1;
    return lanes(() => one(name)).finally(() => (alone -= 1));
  };
  /** Waits for the last of those that are asked for together, unless everything is being read: then there is time. */
  const gather = (turnsLeft: number, before: number): void => {
    isGathering = true;
    setImmediate(() => {
      if (waiting.length > before && turnsLeft > 0) return gather(turnsLeft - 1, waiting.length);
      isGathering = false;
      if (!isReadingAll) void flush();
    });
  };
  /** What is asked for while everything is read came too late for it, and gathers for the next time. */
  async function flush(): Promise<void> {
    const asked = waiting;
    waiting = [];
    isReadingAll = asked.length >= Math.max(WORTH_ALL.atLeast, servicesInAll * WORTH_ALL.ofAll);
    // What went wrong is told by the single reads, each for its own service.
    const found = isReadingAll ? await all(Math.floor(asked.length / SERVICES_PER_NODE)).catch(() => null) : null;
    isReadingAll = false;
    servicesInAll = found?.value.size ?? servicesInAll;
    for (const { name, answer } of asked) {
      const value = found?.value.get(name);
      answer(found === null || value === undefined ? readAlone(name) : Promise.resolve({ ...found, value }));
    }
    if (waiting.length > 0 && !isGathering) gather(GATHER_TURNS_MAX, waiting.length);
  }

  return (name) => {
    if (waiting.length === 0 && alone < UNASKED) return readAlone(name);
    return new Promise((resolve) => {
      waiting.push({ name, answer: resolve });
      if (!isGathering && !isReadingAll) gather(GATHER_TURNS_MAX, 0);
    });
  };
}
