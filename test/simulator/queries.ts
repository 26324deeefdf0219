import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** Hears of every blocking query and of the index that its answer carried. */
export interface QueryWitness {
  asked(process: Process, topic: string, index: number): void;
  answered(process: Process, topic: string, index: number): void;
}

interface Asking {
  /** What it was asked from last, and what the answer allows to be asked from next. */
  from: number;
  next: number;
  readonly atMs: number[];
}

/** Twice the bucket of one query, and what was saved up: more within a second than any rule of ours lets through. */
const perSecondMax = 45;

/**
 * S25: a blocking query is asked from 0, or from the index of the last answer; after an index that went back it begins
 * anew from 0; and it is never repeated faster than its bucket allows.
 */
export function queryRules(scheduler: Scheduler, violate: (invariant: string, what: string) => void): QueryWitness {
  const byProcess = new Map<Process, Map<string, Asking>>();
  const of = (process: Process, topic: string): Asking => {
    let own = byProcess.get(process);
    if (own === undefined) byProcess.set(process, (own = new Map()));
    let asking = own.get(topic);
    if (asking === undefined) own.set(topic, (asking = { from: 0, next: 0, atMs: [] }));
    return asking;
  };
  return {
    asked(process, topic, index) {
      const asking = of(process, topic);
      const { next, atMs } = asking;
      if (index !== 0 && index !== next)
        violate("S25", `${process.name} asks for ${topic} from index ${index}, where ${next} was the last that counts`);
      asking.from = index;
      const nowMs = scheduler.nowMs();
      atMs.push(nowMs);
      while (atMs[0]! <= nowMs - 1_000) atMs.shift();
      if (atMs.length > perSecondMax)
        violate("S25", `${process.name} asks for ${topic} ${atMs.length} times within a second`);
    },
    answered(process, topic, index) {
      const asking = of(process, topic);
      asking.next = index < asking.from ? 0 : index;
    },
  };
}
