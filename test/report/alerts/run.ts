import type { AlertCondition, AlertRules, AlertState, Conditions } from "../../../src/model/alert.ts";
import { advanceAlerts } from "../../../src/report/alerts/advance.ts";
import { markDelivered, markFailed } from "../../../src/report/alerts/channels.ts";
import type { OutboxEntry } from "../../../src/report/alerts/outbox.ts";
import { emptyAlertState, readAlertState } from "../../../src/report/alerts/state.ts";
import { rules as someRules } from "./builders.ts";

/** Alerting as a loop would drive it, with time and conditions in the test's hands and channels that take everything. */
export interface Run {
  state: AlertState;
  nowMs: number;
  wallMs: number;
  rules: AlertRules;
  holding: readonly AlertCondition[];
  unclear: readonly string[];
  /** Channels that take nothing. */
  readonly deaf: Set<string>;
  /** What channels took, in order: `mail firing live/surplus/web`. */
  readonly taken: string[];
  readonly messages: OutboxEntry[];
  /** Lets time pass, looks once, and lets every channel take what it is owed. */
  after(ms: number): Run;
  /** The same in small steps, as passes would come. */
  during(ms: number, stepMs?: number): Run;
  /** Drops everything but the JSON of the state; the new process's steady clock is another one. */
  restart(downMs?: number, wallJumpMs?: number): Run;
}

export function aRun(rules = someRules()): Run {
  const run: Run = {
    state: emptyAlertState(1_700_000_000_000),
    // A steady clock starts near the wall clock and knows nothing of it from then on.
    nowMs: 1_700_000_000_000,
    wallMs: 1_700_000_000_000,
    rules,
    holding: [],
    unclear: [],
    deaf: new Set(),
    taken: [],
    messages: [],
    after(ms) {
      run.nowMs += ms;
      run.wallMs += ms;
      const conditions: Conditions = { holding: run.holding, unclear: run.unclear };
      const { state, outbox } = advanceAlerts({ ...run, environment: "live", conditions });
      run.state = state;
      for (const entry of outbox) {
        if (run.deaf.has(entry.channel)) {
          run.state = markFailed(run.state, entry, { reason: "connection refused", broken: true });
          continue;
        }
        run.taken.push(`${entry.channel} ${entry.state} ${entry.key}`);
        run.messages.push(entry);
        run.state = markDelivered(run.state, entry, run.nowMs);
      }
      return run;
    },
    during(ms, stepMs = 10_000) {
      for (let passed = 0; passed < ms; passed += stepMs) run.after(Math.min(stepMs, ms - passed));
      return run;
    },
    restart(downMs = 0, wallJumpMs = 0) {
      run.wallMs += downMs + wallJumpMs;
      run.nowMs = run.wallMs;
      const read = readAlertState(JSON.stringify(run.state), run.nowMs);
      if (read.kind === "unreadable") throw new Error(read.reason);
      run.state = read.state;
      return run;
    },
  };
  return run;
}
