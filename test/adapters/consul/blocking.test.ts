import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backOffMs, defaultFollow, follow, judge, start } from "../../../src/adapters/consul/blocking.ts";
import type { Answer } from "../../../src/ports/registry.ts";
import { RegistryError } from "../../../src/ports/registry.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";
import { property } from "../../support/property.ts";

function answer<T>(value: T, index: number, changes: Partial<Answer<T>> = {}): Answer<T> {
  return { value, index, knownLeader: true, lastContactMs: 0, filtered: false, ...changes };
}

describe("the answer of a blocking query", () => {
  const at = { index: 10, fingerprint: "a" };

  it("is a change when index and content are new", () => {
    expect(judge(at, answer(null, 11), () => "b")).toEqual({
      kind: "changed",
      position: { index: 11, fingerprint: "b" },
    });
  });

  it("is no change when the wait was over", () => {
    expect(judge(at, answer(null, 10), () => "a")).toEqual({ kind: "same", position: at });
  });

  it("is no change when another write moved the index over the same content", () => {
    expect(judge(at, answer(null, 12), () => "a")).toEqual({ kind: "same", position: { index: 12, fingerprint: "a" } });
  });

  it("starts over when the index went back", () => {
    expect(judge(at, answer(null, 9), () => "a").position.index).toBe(0);
    expect(judge(at, answer(null, 9), () => "b").kind).toBe("changed");
  });

  it("never asks from index 0 because the answer said 0", () => {
    expect(judge(start, answer(null, 0), () => "a").position.index).toBe(1);
  });

  it("is doubted without a leader or with results left out, and then moves nothing", () => {
    expect(judge(at, answer(null, 99, { knownLeader: false }), () => "b")).toMatchObject({
      kind: "doubtful",
      position: at,
    });
    expect(judge(at, answer(null, 99, { filtered: true }), () => "b")).toMatchObject({
      kind: "doubtful",
      position: at,
    });
  });

  property([fc.nat(), fc.nat(), fc.boolean()])(
    "leads on from an index that Consul can block on, or from 0",
    (was, is, same) => {
      const { position } = judge({ index: was, fingerprint: "a" }, answer(null, is), () => (same ? "a" : "b"));
      expect([0, Math.max(1, is), was]).toContain(position.index);
      if (is >= was) expect(position.index).toBeGreaterThanOrEqual(Math.min(1, was));
    },
  );
});

describe("back-off", () => {
  property([fc.integer({ min: 1, max: 5_000 }), fc.float({ min: 0, max: 1, noNaN: true })])(
    "never exceeds its bound, nor falls below half of what it doubles to",
    (failures, drawn) => {
      const ms = backOffMs({ initialMs: 250, maxMs: 5_000 }, failures, drawn);
      const doubled = Math.min(5_000, 250 * 2 ** Math.min(30, failures - 1));
      expect(ms).toBeGreaterThanOrEqual(doubled / 2);
      expect(ms).toBeLessThanOrEqual(doubled);
    },
  );
});

describe("following a blocking query", () => {
  function aFollower(ask: (index: number) => Promise<Answer<string>>) {
    const clock = fakeClock();
    const stop = new AbortController();
    const told: string[] = [];
    const asked: number[] = [];
    const done = follow(
      { clock, random: { next: () => 1, uuid: () => "" } },
      {
        ask: ({ index }) => {
          asked.push(index);
          return ask(index);
        },
        fingerprint: ({ value }) => value,
        onChange: (value) => told.push(value),
        onTrouble: (reason) => told.push(`trouble: ${reason}`),
        onRecovered: () => told.push("recovered"),
      },
      { ...defaultFollow, signal: stop.signal },
    );
    return { clock, told, asked, stop: async () => (stop.abort(), clock.advance(1), done) };
  }

  /** Answers one after the other, then blocks for ever. */
  function inTurn(...answers: (Answer<string> | Error)[]) {
    return async (): Promise<Answer<string>> => {
      const next = answers.shift();
      if (next === undefined) return new Promise(() => undefined);
      if (next instanceof Error) throw next;
      return next;
    };
  }

  it("tells of the first answer and then of each change, once", async () => {
    const { clock, told, asked } = aFollower(inTurn(answer("a", 5), answer("a", 5), answer("a", 7), answer("b", 8)));
    await clock.advance(1_000);
    expect(told).toEqual(["a", "b"]);
    expect(asked).toEqual([0, 5, 5, 7, 8]);
  });

  it("starts over when the index goes back, and tells only of other content", async () => {
    const { clock, told, asked } = aFollower(inTurn(answer("a", 500), answer("a", 3), answer("a", 3), answer("b", 4)));
    await clock.advance(1_000);
    expect(told).toEqual(["a", "b"]);
    expect(asked).toEqual([0, 500, 0, 3, 4]);
  });

  it("tells of trouble once, backs off, and tells when it is over", async () => {
    const down = new RegistryError("unreachable", "connection refused");
    const { clock, told, asked } = aFollower(inTurn(answer("a", 5), down, down, down, answer("a", 6)));
    await clock.advance(249);
    expect(told).toEqual(["a", "trouble: connection refused"]);
    expect(asked).toHaveLength(2);
    await clock.advance(251);
    expect(asked).toHaveLength(3);
    await clock.advance(10_000);
    expect(told).toEqual(["a", "trouble: connection refused", "recovered"]);
  });

  it("takes an answer without a leader for trouble, and not for news", async () => {
    const { clock, told, asked } = aFollower(
      inTurn(answer("a", 5), answer("", 6, { knownLeader: false }), answer("a", 7)),
    );
    await clock.advance(5_000);
    expect(told).toEqual(["a", "trouble: Consul answers without a leader", "recovered"]);
    expect(asked).toEqual([0, 5, 0, 7]);
  });

  it("asks no more than its rate allows, whatever comes back at once", async () => {
    let index = 1;
    const { clock, told, asked, stop } = aFollower(async () => answer(`${index}`, (index += 1)));
    await clock.advance(10_000);
    const { burst, perSecond } = defaultFollow.rate;
    expect(asked.length).toBeGreaterThan(perSecond * 9);
    expect(asked.length).toBeLessThanOrEqual(burst + perSecond * 10 + 1);
    expect(told.length).toBe(asked.length);
    await stop();
  });

  it("ends when told to, and tells nothing afterwards", async () => {
    let answerLate: (answer: Answer<string>) => void = () => undefined;
    const { clock, told, stop } = aFollower(() => new Promise((resolve) => (answerLate = resolve)));
    await clock.advance(10);
    const stopped = stop();
    answerLate(answer("late", 5));
    await stopped;
    expect(told).toEqual([]);
  });
});
