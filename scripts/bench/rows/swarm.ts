import { until } from "../../../test/e2e/support/site.ts";
import type { Site } from "../../../test/e2e/support/site.ts";
import type { RawEngine } from "../harness/raw-engine.ts";
import { openRawEngine } from "../harness/raw-engine.ts";
import type { Context, Row, Sample, Samples } from "../harness/row.ts";
import { bestConcurrency, started } from "../harness/raw-starts.ts";
import { stageOf } from "../harness/stage.ts";
import type { SwarmService } from "../harness/swarm-service.ts";
import { containersLabelled, openSwarmService } from "../harness/swarm-service.ts";
import { killable } from "./recover.ts";

const FEW = 3;
const MANY = 10;

/** What was scaled up is trimmed again for the next turn. */
const blastRadius = { stopsPerWindow: 1_000, shareOfFleet: 1, window: "1s" };

interface Scaled {
  readonly edit: Samples;
  readonly scale: Samples;
  readonly engine: Samples;
  readonly raw: Samples;
}

export const swarmRows: readonly Row[] = [
  {
    id: "swarm-edit",
    what: `Swarm service edited by hand from ${MANY} to ${FEW} replicas → corrected, ${MANY} tasks run`,
    reference: "`docker service scale` back, sent when the edit's event arrives",
    goal: 1.2,
    run: async (context) => (await scaled(context)).edit,
  },
  {
    id: "swarm-scale",
    what: `desired state of a Swarm service written, ${FEW} → ${MANY}, until ${MANY} run`,
    reference: "`docker service scale` of another service at the same point of the turn",
    goal: 1.2,
    run: async (context) => (await scaled(context)).scale,
  },
  {
    id: "engine-scale",
    what: `desired state of a service of the engine runtime written, ${FEW} → ${MANY}, until ${MANY} run`,
    reference: "the same with a Swarm service scaled by hand",
    goal: 0.75,
    run: async (context) => (await scaled(context)).engine,
  },
  {
    id: "engine-scale-floor",
    what: `${MANY - FEW} such containers created and started by the raw API, at its best concurrency`,
    reference: "the same",
    goal: 0.75,
    run: async (context) => (await scaled(context)).raw,
  },
];

function scaled(context: Context): Promise<Scaled> {
  return context.once("scaled", async () => {
    const stage = await stageOf(context);
    const engine = await openRawEngine(stage.docker);
    context.undo("raw engine", () => engine.close());
    const site = stage.site({ environmentSettings: { ...killable, blastRadius } });
    const names = { ours: `ours-${site.environment}`, own: `own-${site.environment}` };
    const ours = await openSwarmService(context, engine, { name: names.ours, replicas: FEW });
    const byHand = await openSwarmService(context, engine, { name: `hand-${site.environment}`, replicas: FEW });
    const ground: Ground = { site, engine, names, ours, byHand };
    desire(ground, FEW, FEW);
    await site.daemon();
    await isSettled(ground);
    const best = await bestConcurrency(context, engine, raw);
    const samples = { edit: [] as Sample[], scale: [] as Sample[], engine: [] as Sample[], raw: [] as Sample[] };
    for (let turn = -1; turn < (context.quick ? 2 : 10); turn += 1) {
      const measured = await oneTurn(ground);
      const rawMs = await started(engine, raw, best);
      if (turn < 0) continue;
      samples.raw.push({ subject: rawMs, reference: measured.byHand });
      samples.scale.push({ subject: measured.ours, reference: measured.byHand });
      samples.engine.push({ subject: measured.own, reference: measured.byHand });
      samples.edit.push({ subject: measured.corrected, reference: measured.correctedByHand });
    }
    // The daemon first, which would bring the service back.
    await site.close();
    await ours.close();
    await byHand.close();
    return samples;
  });
}

const raw = { count: MANY - FEW, body: { Image: "heal-demo/web:1", Env: ["PORT=8000"] } };

interface Ground {
  readonly site: Site;
  readonly engine: RawEngine;
  readonly names: { readonly ours: string; readonly own: string };
  /** What heal looks after by way of Swarm, and what nobody but the bench does. */
  readonly ours: SwarmService;
  readonly byHand: SwarmService;
}

async function oneTurn(ground: Ground) {
  const { ours, byHand, engine } = ground;
  const run = (label: string) => async () => (await containersLabelled(engine, label)).length === MANY;
  const ofSwarm = (name: string) => run(`com.docker.swarm.service.name=${name}`);
  const own = await took(() => desire(ground, FEW, MANY), run(`heal.service=${ground.names.own}`));
  const byHandMs = await took(() => byHand.scale(MANY), ofSwarm(byHand.name));
  const oursMs = await took(() => desire(ground, MANY, MANY), ofSwarm(ours.name));
  await isSettled(ground);
  const correctedByHand = await took(
    async () => {
      const edited = engine.event("update", ({ Actor }) => Actor.Attributes["name"] === byHand.name);
      await byHand.scale(FEW);
      await edited;
      await byHand.scale(MANY);
    },
    hasTasks(engine, byHand),
  );
  await isSettled(ground);
  const corrected = await took(() => ours.scale(FEW), hasTasks(engine, ours));
  await isSettled(ground);
  desire(ground, FEW, FEW);
  // Before it has read that, heal would correct what is scaled here.
  const reads = async (): Promise<boolean> =>
    (await ground.site.heal("check", ground.names.ours)).stdout.includes(`/${FEW} healthy`);
  await until(reads, "heal to read the desired state", 60_000);
  await Promise.all([ours.scale(FEW), byHand.scale(FEW)]);
  await isSettled(ground);
  return { own, byHand: byHandMs, ours: oursMs, corrected, correctedByHand };
}

async function took(begin: () => Promise<void> | void, isDone: () => Promise<boolean>): Promise<number> {
  const beganMs = performance.now();
  await begin();
  await until(isDone, "the scaling", 60_000, 4);
  return performance.now() - beganMs;
}

/** Surplus is trimmed here, so that each turn begins where the one before began. */
function desire({ site, names }: Pick<Ground, "site" | "names">, ours: number, own: number): void {
  const container = { image: "heal-demo/web:1", environment: { PORT: "8000" }, stopGrace: "1s" };
  const surplus = { action: "trim", after: "1s" };
  site.desire({ [names.ours]: { count: ours }, [names.own]: { count: own, container, surplus } });
}

/** As many as asked for and no others, neither running nor ending. */
async function isSettled({ site, engine, names, ours, byHand }: Ground): Promise<void> {
  for (const service of [ours, byHand]) {
    await until(
      async () => (await service.running()).length === (await service.replicas()),
      `${service.name} to settle`,
      60_000,
    );
  }
  await until(
    async () => {
      const { stdout } = await site.heal("check", names.own);
      const count = (await containersLabelled(engine, `heal.service=${names.own}`)).length;
      return stdout.includes("PASSING") && (count === FEW || count === MANY);
    },
    `${names.own} to settle`,
    120_000,
  );
}

/** Swarm itself is asked for as many, and that many run. */
function hasTasks(engine: RawEngine, service: SwarmService): () => Promise<boolean> {
  const filters = encodeURIComponent(JSON.stringify({ service: [service.name], "desired-state": ["running"] }));
  return async () => {
    if ((await service.replicas()) !== MANY) return false;
    const tasks = await engine.ask<{ Status: { State: string } }[]>("GET", `/tasks?filters=${filters}`);
    return tasks.length === MANY && tasks.every(({ Status }) => Status.State === "running");
  };
}
