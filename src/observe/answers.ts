import type { Known } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * Answers kept until something hints that they are out of date. One that was asked for before the hint and comes after
 * it is handed on, but not kept: it may be the old one. What is unknown is never kept. A question is told since when there
 * has been no hint: whatever was true then, or is since, answers it.
 */
export interface Answers<T> {
  /** null when there is none, or none as young as that. */
  kept(name: string, ageMaxMs?: number): Known<T> | null;
  ask(name: string, question: (asOfMs: number) => Promise<Known<T>>): Promise<Known<T>>;
  /** null: all of them. */
  forget(name: string | null): void;
  /** So many of those kept, the oldest first. */
  forgetOldest(share: { readonly atLeast: number; readonly ofAll: number }): void;
}

/** Each is an object of its own: two within a millisecond are not the same. */
interface Hint {
  readonly atMs: number;
}

export function openAnswers<T>(clock: Clock): Answers<T> {
  const answers = new Map<string, Extract<Known<T>, { kind: "known" }>>();
  const hints = new Map<string, Hint>();
  let hintForAll: Hint = { atMs: clock.steadyMs() };
  const lastHint = (name: string): Hint => hints.get(name) ?? hintForAll;

  const forget = (name: string): void => {
    answers.delete(name);
    hints.set(name, { atMs: clock.steadyMs() });
  };

  return {
    kept(name, ageMaxMs = Number.POSITIVE_INFINITY) {
      const answer = answers.get(name);
      return answer !== undefined && clock.steadyMs() - answer.atMs <= ageMaxMs ? answer : null;
    },
    async ask(name, question) {
      const before = lastHint(name);
      const answer = await question(before.atMs);
      if (answer.kind === "known" && lastHint(name) === before) answers.set(name, answer);
      return answer;
    },
    forget(name) {
      if (name === null) {
        answers.clear();
        hints.clear();
        hintForAll = { atMs: clock.steadyMs() };
        return;
      }
      forget(name);
    },
    forgetOldest({ atLeast, ofAll }) {
      const count = Math.max(atLeast, Math.ceil(answers.size * ofAll));
      const oldest = [...answers].sort(([, one], [, other]) => one.atMs - other.atMs).slice(0, count);
      for (const [name] of oldest) forget(name);
    },
  };
}
