import type { Pair } from "../redis/measure.ts";
import { redisMeasured } from "../redis/measure.ts";
import type { Scenario } from "../redis/scenarios.ts";
import type { Row } from "../harness/row.ts";

const what: Readonly<Record<"killed" | "hung" | "dead-host", string>> = {
  killed: "Redis master's process killed → first write on the node tagged `master`",
  hung: "Redis master hung (SIGSTOP) → first write on the node tagged `master`",
  "dead-host": "host of the Redis master switched off → first write on the node tagged `master`",
};

const times: readonly Row[] = (["killed", "hung", "dead-host"] as const).map((scenario) => ({
  id: `redis-${scenario}`,
  what: what[scenario],
  reference: "Redis Sentinel, at the same `down-after` of 1 s",
  goal: scenario === "killed" ? 0.1 : 0.7,
  run: async (context) =>
    (await redisMeasured(context))[scenario].map(({ heal, sentinel }) => ({
      subject: heal.unavailableMs,
      reference: sentinel.unavailableMs,
    })),
}));

/** `min-replicas-max-lag` of 2 s, counted by Redis in whole seconds, at a thousand writes a second. */
const WRONG_SIDE_WRITES_MAX = 3_500;

export const redisRows: readonly Row[] = [
  ...times,
  {
    id: "redis-switchover",
    what: "planned change of the Redis master: the longest time without a write, at 1 kHz",
    reference: null,
    goal: 250,
    unit: "ms",
    run: async (context) =>
      (await redisMeasured(context)).switchover.map(({ heal }) => ({ subject: heal.unavailableMs })),
  },
  lost("switchover", "acknowledged writes lost by a planned change of the Redis master", 0, ({ heal }) => heal),
  lost(
    "partition",
    "acknowledged writes lost on the wrong side of a cut network",
    WRONG_SIDE_WRITES_MAX,
    ({ heal }) => heal,
  ),
  {
    id: "redis-lost-beyond-sentinel",
    what: "acknowledged writes lost in the median round, more than with Sentinel, in the worst scenario",
    reference: null,
    goal: 0,
    unit: "writes",
    quantile: 1,
    async run(context) {
      const measured = await redisMeasured(context);
      return Object.values(measured).map((pairs) => ({
        subject: Math.max(0, median(pairs, "heal") - median(pairs, "sentinel")),
      }));
    },
  },
];

function lost(scenario: Scenario, text: string, goal: number, side: (pair: Pair) => Pair["heal"]): Row {
  return {
    id: `redis-${scenario}-lost`,
    what: text,
    reference: null,
    goal,
    unit: "writes",
    quantile: 1,
    run: async (context) =>
      (await redisMeasured(context))[scenario].map((one) => ({ subject: side(one).lostAcknowledged })),
  };
}

function median(pairs: readonly Pair[], side: keyof Pair): number {
  const sorted = pairs.map((one) => one[side].lostAcknowledged).toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
}
