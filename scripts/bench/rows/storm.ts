import { keepAnswers } from "../fleet/answers-on-disk.ts";
import { aFleet, serviceName } from "../fleet/fleet.ts";
import { openInProcess } from "../fleet/in-process.ts";
import type { Context, Row } from "../harness/row.ts";

interface Storm {
  readonly actions: number;
  readonly passesPerHint: number;
  readonly calmMs: readonly number[];
}

const what =
  "storm: 100 services (1,000 instances) told to have changed, 50 times without a pause, 1,000 services known";

export const stormRows: readonly Row[] = [
  {
    id: "storm-actions",
    what: `${what}: actions`,
    reference: null,
    goal: 0,
    unit: "actions",
    run: async (context) => [{ subject: (await storm(context)).actions }],
  },
  {
    id: "storm-passes",
    what: `${what}: looks at a service per hint about it`,
    reference: null,
    goal: 1,
    unit: "per hint",
    run: async (context) => [{ subject: (await storm(context)).passesPerHint }],
  },
  {
    id: "storm-others",
    what: `${what}: another service is looked at within, p95`,
    reference: null,
    goal: 250,
    unit: "ms",
    quantile: 0.95,
    run: async (context) => (await storm(context)).calmMs.map((subject) => ({ subject })),
  },
];

function storm(context: Context): Promise<Storm> {
  return context.once("storm", async () => {
    const fleet = await aFleet(1_000, Date.now());
    const heal = await openInProcess(fleet, keepAnswers(fleet));
    context.undo("storm", () => heal.stop());
    const flapping = Array.from({ length: 100 }, (_, at) => serviceName(at));
    const before = { ...heal.asked };
    const rounds = 50;
    const calmMs: number[] = [];
    const storming: Promise<void>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      storming.push(heal.hint(flapping));
      if (round % 5 === 0) calmMs.push(await heal.lookedAt(serviceName(500 + round)));
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(storming);
    const reads = heal.asked.consul - before.consul - calmMs.length;
    return { actions: heal.asked.actions - before.actions, passesPerHint: reads / (rounds * flapping.length), calmMs };
  });
}
