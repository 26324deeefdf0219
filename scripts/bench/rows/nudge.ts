import { observe } from "../../../src/observe/observe.ts";
import { plan } from "../../../src/plan/plan.ts";
import { keepAnswers } from "../fleet/answers-on-disk.ts";
import { aFleet, serviceName } from "../fleet/fleet.ts";
import type { InProcess } from "../fleet/in-process.ts";
import { openInProcess } from "../fleet/in-process.ts";
import type { Context, Row } from "../harness/row.ts";

export const nudgeRows: readonly Row[] = [
  {
    id: "plan-one",
    what: "planning of one nudged service, 10,000 services of 10 instances known, p95",
    reference: null,
    goal: 1,
    unit: "ms",
    quantile: 0.95,
    async run(context) {
      const { world } = await fleetOf(context, 10_000);
      const names = Array.from({ length: 200 }, (_, at) => serviceName(at));
      const samples = [];
      for (const name of names) {
        const observed = await observe(world.eyes, world.desired(), [name], world.memory.view(), "mirror");
        const nowMs = world.clock.steadyMs();
        const beganMs = performance.now();
        plan({ desired: world.desired(), observed, memory: world.memory.view(), tuning: world.tuning, nowMs });
        samples.push({ subject: performance.now() - beganMs });
      }
      return samples.slice(50);
    },
  },
  {
    id: "nudge-bytes",
    what: "bytes asked of Consul and Docker for one changed service, 10,000 services known",
    reference: "the same with 10 services known",
    // Indexes have more digits where there is more.
    goal: 1.01,
    async run(context) {
      const many = await fleetOf(context, 10_000);
      const few = await fleetOf(context, 10);
      return [{ subject: await bytesOfOne(many), reference: await bytesOfOne(few) }];
    },
  },
];

async function bytesOfOne({ asked, hint }: InProcess): Promise<number> {
  const before = asked.consulBytes + asked.dockerBytes;
  await hint([serviceName(1)]);
  return asked.consulBytes + asked.dockerBytes - before;
}

function fleetOf(context: Context, services: number): Promise<InProcess> {
  return context.once(`fleet ${services}`, async () => {
    const fleet = await aFleet(services, Date.now());
    const opened = await openInProcess(fleet, keepAnswers(fleet));
    context.undo(`fleet of ${services}`, () => opened.stop());
    return opened;
  });
}
