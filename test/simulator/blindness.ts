import { LABEL } from "../../src/model/labels.ts";
import type { Creation } from "../../src/ports/engine.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Truth } from "./truth.ts";

export interface Blindness {
  /** A controller has asked Consul for a service. */
  read(process: Process, consulName: string, isWhole: boolean): void;
  starting(process: Process, creation: Creation): void;
}

export interface BlindnessDeps {
  readonly scheduler: Scheduler;
  readonly truth: Truth;
  readonly violate: (invariant: string, what: string) => void;
}

/** What was decided on the last good answer is sent by then, however slow the engines are. */
const decidedWithinMs = 75_000;

/** S1: nothing is created for a service of which Consul has not given a whole answer for as long as a decision is good. */
export function blindness({ scheduler, truth, violate }: BlindnessDeps): Blindness {
  /** Since when every answer has failed or was not whole. */
  const blindSinceMs = new Map<Process, Map<string, number>>();

  return {
    read(process, consulName, isWhole) {
      let own = blindSinceMs.get(process);
      if (own === undefined) blindSinceMs.set(process, (own = new Map()));
      if (isWhole) own.delete(consulName);
      else if (!own.has(consulName)) own.set(consulName, scheduler.nowMs());
    },
    starting(process, { name, labels }) {
      const consulName = truth.wish(labels[LABEL.service] ?? "")?.consul?.name;
      const sinceMs = consulName === undefined ? undefined : blindSinceMs.get(process)?.get(consulName);
      if (sinceMs === undefined || scheduler.nowMs() - sinceMs < decidedWithinMs) return;
      violate(
        "S1",
        `${process.name} creates ${name}, of whose service Consul has told it nothing for ${Math.round(scheduler.nowMs() - sinceMs)} ms`,
      );
    },
  };
}
