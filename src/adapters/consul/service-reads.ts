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
/** From so many that wait on, everything is read instead: two requests for each node in place of one for each service. */
const WORTH_ALL = 64;
const SERVICES_PER_NODE = 4;

/**
 * Reads services by name. One that is asked for alone is read alone and at once. Of hundreds, as at a start or after
 * Consul was away, those that must wait are answered from one reading of everything, which begins after they were asked
 * for: so each answer is as new as it would have been by itself.
 */
export function openServiceReads({ one, all }: ServiceReadsDeps): (name: string) => Promise<ServiceAnswer> {
  const lanes = openLanes(AT_ONCE);
  let waiting: { readonly name: string; readonly answer: (reading: Promise<ServiceAnswer>) => void }[] = [];
  let isReadingAll = false;

  const alone = (name: string): Promise<ServiceAnswer> => lanes(() => one(name)).finally(() => void flush());
  /** What waits while everything is read was asked for too late for it, and gathers for the next time. */
  async function flush(): Promise<void> {
    if (isReadingAll || waiting.length === 0) return;
    const asked = waiting;
    waiting = [];
    isReadingAll = asked.length >= WORTH_ALL;
    // What went wrong is told by the single reads, each for its own service.
    const found = isReadingAll ? await all(Math.floor(asked.length / SERVICES_PER_NODE)).catch(() => null) : null;
    isReadingAll = false;
    for (const { name, answer } of asked) {
      const value = found?.value.get(name);
      answer(found === null || value === undefined ? alone(name) : Promise.resolve({ ...found, value }));
    }
    void flush();
  }

  return (name) => {
    if (waiting.length === 0 && lanes.isFree()) return alone(name);
    return new Promise((resolve) => waiting.push({ name, answer: resolve }));
  };
}
