import type { Cancel } from "../../src/ports/clock.ts";
import { drain } from "./drain.ts";
import type { Process } from "./process.ts";

/**
 * Half of all that happens in an hour are questions asked every second whose answer is the same as the last one's
 * (pings). They are not played as long as nothing stands in their way: who sleeps between two of them sleeps on until
 * something is about to. Then he wakes, asks and is answered at once, as if that had been the last of the questions
 * that were left out; when the next one is due is drawn. What the controller knows (when its host was last heard of,
 * above all) is then what it would have known.
 */
export interface Naps {
  /** From now on who sleeps on this signal asks this question between two sleeps. */
  expect(signal: AbortSignal, question: Question): void;
  /** Sleeps for as long as the answers are known beforehand; null when they are not: then it is a sleep like any other. */
  sleep(signal: AbortSignal, ms: number, wakeUp: () => void): Cancel | null;
  isNapping(signal: AbortSignal): boolean;
  /** Something has changed: who does not have fair weather any more wakes. */
  look(): void;
  /** To be called right before a machine ceases to answer, or a process to ask. */
  wake(isConcerned: (question: Question) => boolean): void;
}

export interface Question {
  readonly process: Process;
  /** Machine that is asked. */
  readonly machine: string;
  /** Whether it would be answered well, and at once. */
  isFair(): boolean;
  began(): void;
  ended(): void;
}

interface Nap {
  readonly question: Question;
  /** `waking`: has woken to ask for the last time. */
  state: "awake" | "napping" | "waking";
  wakeUp: () => void;
}

/** Naps may only be ended from outside of promise reactions: what the sleeper does when he wakes is played at once. */
export function naps(): Naps {
  const known = new WeakMap<AbortSignal, Nap>();
  const napping = new Set<Nap>();

  const end = (nap: Nap): void => {
    napping.delete(nap);
    nap.state = "awake";
    nap.question.ended();
  };
  const wake = (isConcerned: (question: Question) => boolean): void => {
    for (const nap of napping) {
      if (!napping.has(nap) || !isConcerned(nap.question)) continue;
      nap.state = "waking";
      nap.wakeUp();
      drain();
      if (napping.has(nap)) end(nap);
    }
  };

  return {
    expect: (signal, question) => void known.set(signal, { question, state: "awake", wakeUp: () => {} }),
    sleep(signal, ms, wakeUp) {
      const nap = known.get(signal);
      if (nap === undefined) return null;
      const { process } = nap.question;
      if (nap.state === "waking") {
        end(nap);
        return process.clock.after(process.dice.int(1, Math.ceil(ms)), wakeUp);
      }
      if (nap.state === "napping" || !nap.question.isFair()) return null;
      nap.state = "napping";
      nap.wakeUp = wakeUp;
      napping.add(nap);
      nap.question.began();
      return () => napping.has(nap) && end(nap);
    },
    isNapping: (signal) => (known.get(signal)?.state ?? "awake") !== "awake",
    look: () => wake((question) => !question.isFair()),
    wake,
  };
}
