import { defaultTuning } from "../../src/model/tuning.ts";
import { LABEL } from "../../src/model/labels.ts";
import type { Creation } from "../../src/ports/engine.ts";
import type { TrueContainer } from "./container.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Truth } from "./truth.ts";

interface Chain {
  specHash: string;
  /** The name it was last started under; the same name again is the same attempt. */
  name: string;
  startedAtMs: number;
  /** Attempts that followed a failure, newest last. */
  blamedAtMs: number[];
}

/** What one controller tried to make of a slot last: an attempt, where it could write down that it would, and what came of it. */
interface Creating {
  readonly process: Process;
  readonly specHash: string;
  readonly startedAtMs: number;
  isIntended: boolean;
  refusedAtMs: number | null;
  isLearnt: boolean;
}

export interface Attempts {
  creating(process: Process, creation: Pick<Creation, "labels" | "name">): void;
  refused(process: Process, creation: Pick<Creation, "labels">): void;
  /** It leads anew: what was refused to it before it may not have been able to write down. */
  leading(process: Process): void;
  /** The process was told that these keys of Memory are written. */
  remembered(process: Process, keys: readonly string[]): void;
  /** Its start is sent. What is only created, while Memory is being written, is no attempt yet. */
  starting(process: Process, container: Pick<TrueContainer, "labels" | "name">): void;
  /** Memory was destroyed by other hands: nobody can keep a distance that he cannot know of. */
  forget(): void;
}

export interface AttemptsDeps {
  readonly scheduler: Scheduler;
  readonly truth: Truth;
  readonly violate: (invariant: string, what: string) => void;
}

/**
 * S19 and S20: the starts of one slot with one specification keep their distance, however often controllers come and
 * go and whatever their clocks do: the first repetition at once, then 10 s, 20 s, … up to five minutes.
 */
export function attempts({ scheduler, truth, violate }: AttemptsDeps): Attempts {
  const chains = new Map<string, Chain>();
  const creations = new Map<string, Creating>();
  const { initialMs, maxMs, forgetAfterMs } = defaultTuning.backOff;

  /** Whether an instance of the slot has been well for so long that its failures are forgotten. */
  const wasWell = (service: string, slot: number): boolean => {
    for (const one of truth.containersOf(service)) {
      if (one.labels[LABEL.slot] !== String(slot) || one.servingSinceMs === null) continue;
      const untilMs = one.serving ? scheduler.nowMs() : one.silentSinceMs;
      if (untilMs - one.servingSinceMs >= forgetAfterMs - 60_000) return true;
    }
    return false;
  };

  /** Whether the count was below the slot since its last start: what is not asked for any more is forgotten. */
  const wasDropped = (service: string, slot: number, { startedAtMs }: Pick<Chain, "startedAtMs">): boolean =>
    truth.wished(service, scheduler.nowMs() - startedAtMs).fewest < slot;

  return {
    forget() {
      chains.clear();
      creations.clear();
    },
    creating(process, { labels, name }) {
      const nowMs = scheduler.nowMs();
      const [service, slot, specHash] = whatOf(labels);
      const key = `${service} ${slot}`;
      const last = creations.get(key);
      creations.set(key, {
        process,
        specHash,
        startedAtMs: nowMs,
        isIntended: false,
        refusedAtMs: null,
        isLearnt: false,
      });
      if (last?.process !== process || last.specHash !== specHash || last.refusedAtMs === null) return;
      if (!last.isIntended || !last.isLearnt) return;
      if (nowMs - last.refusedAtMs >= initialMs - 50 || wasDropped(service, slot, last)) return;
      violate(
        "S20",
        `${name} is created ${Math.round(nowMs - last.refusedAtMs)} ms after the engine refused to; ${initialMs} ms are due`,
      );
    },
    refused(process, { labels }) {
      const [service, slot] = whatOf(labels);
      const last = creations.get(`${service} ${slot}`);
      if (last?.process === process) last.refusedAtMs = scheduler.nowMs();
    },
    leading(process) {
      for (const [key, last] of creations) if (last.process === process) creations.delete(key);
    },
    remembered(process, keys) {
      for (const [key, last] of creations) {
        const [service] = key.split(" ");
        if (last.process !== process || !keys.includes(`memory/services/${service}`)) continue;
        if (last.refusedAtMs === null) last.isIntended = true;
        else last.isLearnt = true;
      }
    },
    starting(process, { labels, name }) {
      const nowMs = scheduler.nowMs();
      const [service, slot, specHash] = whatOf(labels);
      const key = `${service} ${slot}`;
      const chain = chains.get(key);
      const isNew = chain === undefined || chain.specHash !== specHash || wasDropped(service, slot, chain);
      if (isNew || wasWell(service, slot)) {
        chains.set(key, { specHash, name, startedAtMs: nowMs, blamedAtMs: [] });
        return;
      }
      chain.startedAtMs = nowMs;
      if (chain.name === name) return;
      const previous = [...truth.containersOf(service)].find((one) => one.name === chain.name);
      chain.name = name;
      // Taken away, or lost with its host: no failure of its own, and how it is counted is the planner's affair.
      if (previous === undefined || previous.exitCode === 255 || previous.serving) return;
      const lostAfterMs = truth.wish(service)?.healing.lostAfterMs ?? 0;
      if (truth.mayBeLost(process, previous.machine, lostAfterMs, truth.lagMs(previous.machine))) return;
      const lastMs = chain.blamedAtMs.at(-1);
      const neededMs = Math.min(maxMs, initialMs * 2 ** (chain.blamedAtMs.length - 1));
      if (lastMs !== undefined && nowMs - lastMs < neededMs - 50) {
        violate(
          "S20",
          `${name} is started ${Math.round(nowMs - lastMs)} ms after the failed start before it; ${neededMs} ms are due`,
        );
      }
      chain.blamedAtMs.push(nowMs);
    },
  };
}

function whatOf(labels: Creation["labels"]): readonly [service: string, slot: number, specHash: string] {
  return [labels[LABEL.service] ?? "", Number(labels[LABEL.slot]), labels[LABEL.specHash] ?? ""];
}
