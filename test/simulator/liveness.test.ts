import { expect, it } from "vitest";
import { instanceName } from "../../src/model/labels.ts";
import { aService } from "../builders/service.ts";
import { outsideOfPromises } from "./drain.ts";
import { startByHand } from "./faults.ts";
import { runSeed } from "./run-seed.ts";
import type { SimulatedWorld } from "./world.ts";

const LATE_MS = 44 * 60_000;

/** Late in the storm the only instance of `web` ends, and containers without labels have the next names of its slot. */
function takeNames({ scheduler, hosts, plan, truth, machines }: SimulatedWorld): void {
  scheduler.at(LATE_MS, () => {
    for (const host of hosts)
      for (const generation of [2, 3])
        startByHand(host, instanceName(plan.environment, "web", 1, generation), {}, "foreign:1");
    for (const one of truth.containersOf("web")) machines.get(one.machine)?.life.crash(one, 1);
  });
}

it("leaves it to a person when somebody else's containers have the names that a slot would take", async () => {
  const { violations } = await outsideOfPromises(() =>
    runSeed(1, {
      faults: [],
      plan: (drawn) => ({ ...drawn, services: [aService("web", { count: 1 })], swarm: [], compose: [], redis: [] }),
      plant: takeNames,
    }),
  );
  expect(violations).toEqual([]);
});
