import { describe, expect, it } from "vitest";
import type { AlertCondition } from "../../../src/model/alert.ts";
import type { Notifier } from "../../../src/ports/notifier.ts";
import { advanceAlerts } from "../../../src/report/alerts/advance.ts";
import { markDelivered, markFailed } from "../../../src/report/alerts/channels.ts";
import type { Courier } from "../../../src/report/alerts/delivery.ts";
import { startDelivery } from "../../../src/report/alerts/delivery.ts";
import { digestMessage } from "../../../src/report/alerts/message.ts";
import { emptyAlertState, readAlertState } from "../../../src/report/alerts/state.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";
import { aCondition, aRoute, MINUTE, SECOND } from "./builders.ts";

const rules = {
  routes: { default: aRoute({ critical: ["mail", "chat"], fallback: [], waitMs: 2 * SECOND }) },
  timezone: "UTC",
};
const condition = aCondition("live/host-lost/h2");

/** Everything that outlives a process: what it saved, and what reached people. */
interface Outside {
  saved: string;
  readonly reached: { readonly channel: string; readonly state: string; readonly id: string }[];
}

/**
 * One life of the program, which ends for good at its n-th step: a step is each decision, each save, and each moment
 * before, within and after the delivery of a message. Steps are the same from run to run, so every one is tried.
 */
function live(outside: Outside, clock: ReturnType<typeof fakeClock>, killAt: number) {
  let steps = 0;
  let alive = true;
  const step = (): void => {
    if (!alive) return;
    steps += 1;
    if (steps >= killAt) alive = false;
  };
  const read = readAlertState(outside.saved, clock.steadyMs());
  if (read.kind === "unreadable") throw new Error(read.reason);
  let state = read.state;
  const save = (): void => {
    step();
    if (alive) outside.saved = JSON.stringify(state);
    step();
  };
  const notifier = (name: string): Notifier => ({
    name,
    kind: "test",
    close: () => undefined,
    async send(message) {
      step();
      await clock.sleep(20);
      if (!alive) return new Promise(() => undefined);
      outside.reached.push({ channel: name, state: message.state, id: message.id });
      step();
      await clock.sleep(20);
      return alive ? { kind: "taken" } : new Promise(() => undefined);
    },
  });
  const quiet = (): void => undefined;
  const courier: Courier = startDelivery({
    clock,
    random: { next: () => 0.5, uuid: () => "u" },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    channels: ["mail", "chat"].map((name) => ({ notifier: notifier(name), timeoutMs: 10 * SECOND, attempts: 3 })),
    digest: (messages) => digestMessage(messages, { environment: "live", wallMs: clock.wallMs(), rules }),
    firing: () => [],
    outcome(outcome) {
      if (!alive) return;
      step();
      for (const entry of outcome.entries) {
        state =
          outcome.kind === "taken" ? markDelivered(state, entry, clock.steadyMs()) : markFailed(state, entry, outcome);
      }
      save();
    },
  });
  return {
    isAlive: () => alive,
    steps: () => steps,
    end: () => (alive = false),
    pass(holding: readonly AlertCondition[]): void {
      step();
      if (!alive) return;
      const input = {
        environment: "live",
        conditions: { holding, unclear: [] },
        state,
        nowMs: clock.steadyMs(),
        wallMs: clock.wallMs(),
        rules,
      };
      const { state: next, outbox } = advanceAlerts(input);
      step();
      if (next !== state) {
        state = next;
        save();
      }
      if (alive) courier.offer(outbox);
    },
  };
}

/** The whole story of one alert, told by one life after the other. Resolves to the steps that the first one took. */
async function story(killAt: number): Promise<{ readonly outside: Outside; readonly steps: number }> {
  const clock = fakeClock(1_700_000_000_000);
  const outside: Outside = { saved: JSON.stringify(emptyAlertState(clock.steadyMs())), reached: [] };
  let process = live(outside, clock, killAt);
  let steps = 0;
  for (let second = 0; second < 24; second += 1) {
    process.pass(second < 12 ? [condition] : []);
    await clock.advance(SECOND);
    if (process.isAlive()) continue;
    steps = Math.max(steps, process.steps());
    process = live(outside, clock, Number.POSITIVE_INFINITY);
  }
  return { outside, steps: Math.max(steps, process.steps()) };
}

describe("a program that ends between any two steps of telling", () => {
  it(
    "loses nothing, and tells twice only what nobody could know to be told",
    async () => {
      const whole = await story(Number.POSITIVE_INFINITY);
      expect(whole.outside.reached.map(({ channel, state }) => `${channel} ${state}`).sort()).toEqual([
        "chat firing",
        "chat resolved",
        "mail firing",
        "mail resolved",
      ]);
      expect(whole.steps).toBeGreaterThan(40);
      let repeated = 0;
      for (let killAt = 1; killAt <= whole.steps; killAt += 1) {
        const { outside } = await story(killAt);
        for (const channel of ["mail", "chat"]) {
          const told = outside.reached.filter((one) => one.channel === channel);
          const states = [...new Map(told.map(({ id, state }) => [id, state])).values()];
          expect(states, `killed at step ${killAt}, ${channel}`).toEqual(["firing", "resolved"]);
          // The same message twice has the same id, by which a receiver can tell.
          expect(told.length, `killed at step ${killAt}, ${channel}`).toBeLessThanOrEqual(3);
          repeated += told.length - 2;
        }
      }
      // It must have been reached at all: a message that arrived while its sender ended.
      expect(repeated).toBeGreaterThan(0);
      expect(repeated).toBeLessThan(30);
    },
    10 * MINUTE,
  );
});
