import type { Clock } from "../ports/clock.ts";

/** What happened when, for the person who is told afterwards: `old master untagged +4 ms, promoted +9 ms`. */
export interface Timeline {
  add(what: string): void;
  text(): string;
}

export function openTimeline(clock: Clock): Timeline {
  const beganMs = clock.steadyMs();
  const steps: string[] = [];
  return {
    add: (what) => void steps.push(`${what} +${Math.round(clock.steadyMs() - beganMs)} ms`),
    text: () => steps.join(", "),
  };
}
