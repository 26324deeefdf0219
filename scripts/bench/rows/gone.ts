import { until } from "../../../test/e2e/support/site.ts";
import type { Site } from "../../../test/e2e/support/site.ts";
import type { RawEngine } from "../harness/raw-engine.ts";
import { openRawEngine } from "../harness/raw-engine.ts";
import type { Context, Row, Sample } from "../harness/row.ts";
import { bestConcurrency, replaced, started } from "../harness/raw-starts.ts";
import { stageOf } from "../harness/stage.ts";
import { killable } from "./recover.ts";

const SERVICES = 10;
const EACH = 3;
const ALL = SERVICES * EACH;
const FORGOTTEN_AFTER_MS = 1_500;

export const goneRows: readonly Row[] = [
  {
    id: "gone-30",
    what: `${ALL} containers of one host (${SERVICES} services of ${EACH}) killed at once → all run again and pass in Consul`,
    reference: `the same engine creating and starting ${ALL} at its best concurrency`,
    goal: 1.15,
    run: async (context) => (await gone(context)).heal,
  },
  {
    id: "gone-30-floor",
    what: `not heal: ${ALL} killed at once, each replaced by the raw API once the engine has told its death`,
    reference: "the same",
    goal: 1.15,
    run: async (context) => (await gone(context)).bare,
  },
];

interface Gone {
  readonly heal: readonly Sample[];
  readonly bare: readonly Sample[];
}

function gone(context: Context): Promise<Gone> {
  return context.once("gone", () => measure(context));
}

async function measure(context: Context): Promise<Gone> {
  const stage = await stageOf(context);
  const engine = await openRawEngine(stage.docker);
  context.undo("raw engine", () => engine.close());
  const site = stage.site({ environmentSettings: killable });
  const names = Array.from({ length: SERVICES }, (_, at) => `web${at}-${site.environment}`);
  site.desire(Object.fromEntries(names.map((name) => [name, service])));
  await site.daemon();
  let before: readonly string[] = [];
  const isAllBack = async (): Promise<boolean> => {
    const found = (await Promise.all(names.map((name) => passing(stage.consul, name)))).flat();
    return found.length === ALL && !found.some((container) => before.includes(container));
  };
  await until(isAllBack, `${ALL} to pass`, 120_000);
  const best = await bestConcurrency(context, engine, raw);
  const heal: Sample[] = [];
  const bare: Sample[] = [];
  for (let turn = -1; turn < (context.quick ? 2 : 8); turn += 1) {
    before = (await Promise.all(names.map((name) => passing(stage.consul, name)))).flat();
    const subject = await killed(site, engine, names, isAllBack);
    const reference = await started(engine, raw, best);
    const bareMs = await replaced(engine, raw, best);
    if (turn >= 0) {
      heal.push({ subject, reference });
      bare.push({ subject: bareMs, reference });
    }
    await until(async () => (await site.heal("check")).code === 0, "all to be well", 60_000);
    await new Promise((resolve) => setTimeout(resolve, FORGOTTEN_AFTER_MS));
  }
  await site.close();
  return { heal, bare };
}

const raw = { count: ALL, body: { Image: "heal-demo/web:1", HostConfig: { NetworkMode: "none" } } };

/** Without a network: making thirty ends of bridges would hide what is heal's. */
const service = {
  count: EACH,
  container: { image: "heal-demo/web:1", networks: ["none"], stopGrace: "1s" },
};

async function killed(
  site: Site,
  engine: RawEngine,
  names: readonly string[],
  isAllBack: () => Promise<boolean>,
): Promise<number> {
  const containers = (await Promise.all(names.map((name) => site.containers(name)))).flat();
  const pids = await Promise.all(
    containers.map(async ({ Id }) => {
      const { State } = await engine.ask<{ State: { Pid: number } }>("GET", `/containers/${Id}/json`);
      return State.Pid;
    }),
  );
  const beganMs = performance.now();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until(isAllBack, `${ALL} new ones to pass`, 120_000, 10);
  return performance.now() - beganMs;
}

/** Names of the containers that Consul finds passing. */
async function passing(consul: string, service: string): Promise<readonly string[]> {
  const answer = await fetch(`${consul}/v1/health/service/${service}?passing`);
  const found = (await answer.json()) as { readonly Service: { readonly Meta: Readonly<Record<string, string>> } }[];
  return found.map(({ Service }) => Service.Meta["heal-container"] ?? "");
}
