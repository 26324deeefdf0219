import * as fc from "fast-check";
import { describe, expect } from "vitest";
import type { AlertCondition, AlertState } from "../../../src/model/alert.ts";
import { advanceAlerts } from "../../../src/report/alerts/advance.ts";
import { markDelivered, markFailed } from "../../../src/report/alerts/channels.ts";
import type { OutboxEntry } from "../../../src/report/alerts/outbox.ts";
import { emptyAlertState, readAlertState } from "../../../src/report/alerts/state.ts";
import { aCondition, HOUR, MINUTE, rules, SECOND } from "./builders.ts";
import { property } from "../../support/property.ts";

/**
 * Alerting among everything that can go wrong between a decision and a person: channels that refuse, that take a
 * message and never say so, processes that end between any two steps and leave only what they saved, clocks that jump.
 */
type Step =
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "toggle"; readonly which: number }
  | { readonly kind: "raise"; readonly which: number }
  | { readonly kind: "unclear"; readonly which: number }
  | { readonly kind: "wall-jump"; readonly ms: number }
  | {
      readonly kind: "restart";
      readonly ms: number;
      readonly at: "before-save" | "before-send" | "after-take" | "after-mark";
    }
  | { readonly kind: "channel"; readonly name: string; readonly mood: Mood };

/** `slow`: takes a message, and says so only after the next pass has decided anew. */
type Mood = "well" | "deaf" | "slow";

const keys = ["live/host-lost/h2", "live/below-count/a", "live/below-count/b", "live/surplus/c"];
const channels = ["mail", "sms", "chat"];
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.oneof(fc.constantFrom(SECOND, 31 * SECOND, 5 * MINUTE, 2 * HOUR), fc.integer({ min: 0, max: 5 * HOUR })),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("toggle" as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("raise" as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("unclear" as const), which: fc.nat(3) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("wall-jump" as const),
      ms: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      ms: fc.integer({ min: 0, max: 20 * MINUTE }),
      at: fc.constantFrom("before-save" as const, "before-send" as const, "after-take" as const, "after-mark" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("channel" as const),
      name: fc.constantFrom(...channels),
      mood: fc.constantFrom<Mood>("well", "deaf", "slow"),
    }),
  },
);

/** A share of what a longer campaign runs: `FUZZ_RUNS=20000 npx vitest run --project properties test/report/alerts/life`. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 75);
const TIMEOUT_MS = 20_000 + RUNS * 20;

interface Taken {
  readonly id: string;
  readonly key: string;
  readonly channel: string;
  readonly state: string;
  readonly severity: string;
  /** True time, which no clock of the program shows. */
  readonly trueMs: number;
  readonly restarts: number;
}

function world() {
  const route = rules({ critical: ["mail", "sms"], warning: ["mail"], fallback: ["chat"] });
  const conditions = new Map<string, AlertCondition>();
  const severities = new Map<string, "warning" | "critical">();
  const unclear = new Set<string>();
  const moods = new Map<string, Mood>();
  const taken: Taken[] = [];
  let underWay: readonly OutboxEntry[] = [];
  let trueMs = 0;
  let steadyAheadMs = 1_000;
  let wallAheadMs = 1_700_000_000_000;
  let restarts = 0;
  let saved = JSON.stringify(emptyAlertState(steadyAheadMs));
  let state: AlertState = emptyAlertState(steadyAheadMs);

  const take = ({ channel, message, key, state: what }: OutboxEntry): void => {
    const { id, severity } = message;
    if (taken.some((one) => one.id === id && one.channel === channel)) return;
    taken.push({ id, key, channel, state: what, severity, trueMs, restarts });
  };
  const restart = (downMs: number): void => {
    trueMs += downMs;
    restarts += 1;
    // A steady clock starts near the wall clock, wherever that is by now.
    steadyAheadMs = wallAheadMs;
    underWay = [];
    const read = readAlertState(saved, trueMs + steadyAheadMs);
    if (read.kind === "unreadable") throw new Error(read.reason);
    state = read.state;
  };
  const pass = (dies?: (Step & { kind: "restart" })["at"]): void => {
    const nowMs = trueMs + steadyAheadMs;
    const holding = [...conditions.values()].map((one) => ({
      ...one,
      severity: severities.get(one.key) ?? one.severity,
      sinceMs: nowMs,
    }));
    const before = state;
    const next = advanceAlerts({
      environment: "live",
      conditions: { holding, unclear: [...unclear] },
      state,
      nowMs,
      wallMs: trueMs + wallAheadMs,
      rules: route,
    });
    state = next.state;
    if (dies === "before-save") return;
    if (state !== before) saved = JSON.stringify(state);
    if (dies === "before-send") return;
    for (const entry of underWay) state = markDelivered(state, entry, nowMs);
    underWay = [];
    for (const entry of next.outbox) {
      const mood = moods.get(entry.channel) ?? "well";
      if (mood === "deaf") {
        state = markFailed(state, entry, { reason: "refused", broken: true });
        continue;
      }
      take(entry);
      if (mood === "slow") {
        underWay = [...underWay, entry];
        continue;
      }
      if (dies === "after-take") return;
      state = markDelivered(state, entry, nowMs);
      saved = JSON.stringify(state);
      if (dies === "after-mark") return;
    }
    saved = JSON.stringify(state);
  };

  return {
    taken,
    conditions,
    run(one: Step): void {
      switch (one.kind) {
        case "pass":
          trueMs += one.ms;
          return pass();
        case "toggle": {
          const key = keys[one.which] ?? "";
          unclear.delete(key);
          if (conditions.delete(key)) return;
          const causes = key.includes("below-count") ? ["live/host-lost/h2"] : [];
          conditions.set(key, aCondition(key, { severity: key.includes("surplus") ? "warning" : "critical", causes }));
          return;
        }
        case "raise":
          severities.set(
            keys[one.which] ?? "",
            severities.get(keys[one.which] ?? "") === "critical" ? "warning" : "critical",
          );
          return;
        case "unclear":
          conditions.delete(keys[one.which] ?? "");
          unclear.add(keys[one.which] ?? "");
          return;
        case "wall-jump":
          wallAheadMs += one.ms;
          return;
        case "restart":
          pass(one.at);
          return restart(one.ms);
        case "channel":
          moods.set(one.name, one.mood);
      }
    },
    /** Everything works, nothing changes any more, and time passes. */
    calm(): void {
      moods.clear();
      unclear.clear();
      for (let minute = 0; minute < 120; minute += 3) {
        trueMs += 3 * MINUTE;
        pass();
      }
    },
    inhibited: (key: string) => key.includes("below-count") && conditions.has("live/host-lost/h2"),
    severityOf: (key: string) => severities.get(key) ?? conditions.get(key)?.severity,
    size: () => saved.length,
  };
}

describe("through failures, restarts and clock jumps", () => {
  property([fc.array(step, { maxLength: 60, size: "max" })], { numRuns: RUNS })(
    "no channel is told twice that a key fires without an end or the repeat interval between, but for a rise to critical",
    (steps) => {
      const some = world();
      for (const one of steps) some.run(one);
      some.calm();
      for (const channel of channels) {
        for (const key of keys) {
          const told = some.taken.filter((one) => one.channel === channel && one.key === key);
          for (const [index, one] of told.entries()) {
            const before = told[index - 1];
            if (one.state !== "firing" || before?.state !== "firing") continue;
            const rises = before.severity === "warning" && one.severity === "critical";
            // A clock that was set while nobody ran can hide five minutes, once for each restart.
            const gapMs = 4 * HOUR - 5 * MINUTE * (one.restarts - before.restarts);
            expect(rises || one.trueMs - before.trueMs >= gapMs, `${key} to ${channel}`).toBe(true);
          }
        }
      }
    },
    TIMEOUT_MS,
  );

  property([fc.array(step, { maxLength: 60, size: "max" })], { numRuns: RUNS })(
    "every channel ends up knowing the truth about what it should know, and about all it was ever told",
    (steps) => {
      const some = world();
      for (const one of steps) some.run(one);
      some.calm();
      for (const key of keys) {
        const holds = some.conditions.has(key);
        const lastOn = (channel: string): string | undefined =>
          some.taken.findLast((one) => one.channel === channel && one.key === key)?.state;
        for (const channel of channels) {
          if (holds)
            expect(lastOn(channel), `${key} on ${channel}`).not.toBe(
              isToldOn(channel, some.severityOf(key)) && !some.inhibited(key) ? "resolved" : "never",
            );
          else expect(lastOn(channel), `${key} on ${channel}`).not.toBe("firing");
        }
        if (holds && !some.inhibited(key)) {
          for (const channel of channels.filter((name) => isToldOn(name, some.severityOf(key))))
            expect(lastOn(channel), `${key} on ${channel}`).toBe("firing");
        }
      }
    },
    TIMEOUT_MS,
  );
});

function isToldOn(channel: string, severity: string | undefined): boolean {
  return channel === "mail" || (channel === "sms" && severity === "critical");
}
