import { describe, expect, it } from "vitest";
import { EngineClock } from "../../../src/adapters/docker/engine-clock.ts";
import type { Clock } from "../../../src/ports/clock.ts";

const hourMs = 3_600_000;
const nowMs = Date.parse("2026-07-25T12:00:00Z");

function aClock(offsetMs: number): {
  engineClock: EngineClock;
  answerAt: (ourMs: number, engineAheadMs?: number) => void;
} {
  let oursMs = nowMs;
  const clock = { steadyMs: () => oursMs } as Clock;
  const engineClock = new EngineClock(clock);
  const answerAt = (ourMs: number, engineAheadMs = offsetMs): void => {
    oursMs = ourMs;
    engineClock.observe(new Date(ourMs + engineAheadMs).toUTCString());
  };
  answerAt(nowMs);
  return { engineClock, answerAt };
}

describe("an engine's time", () => {
  it("is ours when the two clocks agree as far as whole seconds can tell", () => {
    for (const offsetMs of [-1_900, -400, 0, 400, 1_900]) {
      expect(aClock(offsetMs).engineClock.toOurs(nowMs)).toBe(nowMs);
    }
  });

  it("is put right when its clock is an hour off, either way", () => {
    expect(aClock(hourMs).engineClock.toOurs(nowMs + hourMs)).toBe(nowMs);
    expect(aClock(-hourMs).engineClock.toOurs(nowMs - hourMs)).toBe(nowMs);
  });

  it("reads the same at each answer, although dates are whole seconds", () => {
    const { engineClock, answerAt } = aClock(hourMs);
    const first = engineClock.toOurs(nowMs);
    for (let ms = 0; ms < 5_000; ms += 333) {
      answerAt(nowMs + ms);
      expect(engineClock.toOurs(nowMs)).toBe(first);
    }
  });

  it("follows when the engine's clock is set right again", () => {
    const { engineClock, answerAt } = aClock(hourMs);
    answerAt(nowMs, 0);
    expect(engineClock.toOurs(nowMs)).toBe(nowMs);
  });

  it("is left as it was by an answer without a date, or with nonsense", () => {
    const { engineClock } = aClock(0);
    engineClock.observe(undefined);
    engineClock.observe("soon");
    expect(engineClock.toOurs(nowMs)).toBe(nowMs);
    expect(engineClock.lastSeenSeconds()).toBe(nowMs / 1_000);
  });
});
