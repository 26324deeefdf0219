import { keepAnswers } from "../fleet/answers-on-disk.ts";
import { aFleet, serviceName } from "../fleet/fleet.ts";
import type { InProcess } from "../fleet/in-process.ts";
import { openInProcess } from "../fleet/in-process.ts";
import type { Context, Row, Samples } from "../harness/row.ts";
import { timed } from "../harness/turns.ts";

const reloads = 100;
const watched = 100;

/** What the daemon itself costs, with answers that are there at once: no socket, no Consul, no Docker. */
export const daemonRows: readonly Row[] = [
  {
    id: "noop-in-daemon",
    what: "a pass over 10 services with nothing to do, in the daemon",
    reference: null,
    goal: 10,
    unit: "ms",
    async run(context) {
      const heal = await fleetOf(context);
      return repeated(100, (at) => timed(() => heal.nudge(tenFrom(at))));
    },
  },
  change("p50", 5, 0.5),
  change("p99", 15, 0.99),
  {
    id: "reload-actions",
    what: `${reloads} Consul reloads, each of which fires the watches of ${watched} services: actions`,
    reference: null,
    goal: 0,
    unit: "actions",
    run: async (context) => [{ subject: (await reloaded(context)).actions }],
  },
  {
    id: "reload-requests",
    what: `${reloads} Consul reloads, each of which fires the watches of ${watched} services: requests to Consul and Docker`,
    reference: null,
    goal: 0,
    unit: "requests",
    run: async (context) => [{ subject: (await reloaded(context)).requests }],
  },
];

function change(name: string, goal: number, quantile: number): Row {
  return {
    id: `change-decision-${name}`,
    what: `Consul says that a service has changed → it has been read and decided about, 1,000 services known, ${name}`,
    reference: null,
    goal,
    unit: "ms",
    quantile,
    run: (context) =>
      context.once("change to decision", async () => {
        const heal = await fleetOf(context);
        return repeated(300, (at) => heal.lookedAt(serviceName(at)));
      }),
  };
}

function reloaded(context: Context): Promise<{ readonly actions: number; readonly requests: number }> {
  return context.once("reloads", async () => {
    const heal = await fleetOf(context);
    const names = Array.from({ length: watched }, (_, at) => serviceName(at));
    const before = { ...heal.asked };
    for (let reload = 0; reload < reloads; reload += 1) await heal.nudge(names);
    const { actions, consul, docker } = heal.asked;
    return { actions: actions - before.actions, requests: consul + docker - before.consul - before.docker };
  });
}

/** A tenth of the turns on top, thrown away: what has not run yet is not compiled yet. */
async function repeated(turns: number, work: (at: number) => Promise<number>): Promise<Samples> {
  const samples = [];
  for (let at = -turns / 10; at < turns; at += 1) {
    const subject = await work(at + turns / 10);
    if (at >= 0) samples.push({ subject });
  }
  return samples;
}

function tenFrom(at: number): readonly string[] {
  return Array.from({ length: 10 }, (_, more) => serviceName((at * 10 + more) % 1_000));
}

function fleetOf(context: Context): Promise<InProcess> {
  return context.once("fleet of the daemon rows", async () => {
    const fleet = await aFleet(1_000, Date.now());
    const heal = await openInProcess(fleet, keepAnswers(fleet));
    context.undo("fleet of the daemon rows", () => heal.stop());
    return heal;
  });
}
