import { leaderOf } from "../../../test/e2e/support/consul-facts.ts";
import { startPeer } from "../../../test/e2e/support/peers.ts";
import { webService } from "../../../test/e2e/support/services.ts";
import { until } from "../../../test/e2e/support/site.ts";
import { openRawEngine } from "../harness/raw-engine.ts";
import type { Context, Row, Sample } from "../harness/row.ts";
import { stageOf } from "../harness/stage.ts";
import { killable } from "./recover.ts";

export const takeoverRows: readonly Row[] = [
  {
    id: "takeover",
    what: "leader killed (-9), a container with it → the standby has created the replacement, under a later fence",
    reference: null,
    goal: 4,
    unit: "s",
    // One that is late now and then is late.
    quantile: 0.95,
    run: takeovers,
  },
];

async function takeovers(context: Context): Promise<readonly Sample[]> {
  const stage = await stageOf(context);
  const engine = await openRawEngine(stage.docker);
  context.undo("raw engine", () => engine.close());
  const site = stage.site({ environmentSettings: killable });
  site.desire({ web: webService(1) });
  let leader = await startPeer(site);
  context.undo("leader", () => leader.stop());
  const leads = async () => (await leaderOf(stage.consul, site.environment))?.processId === leader.pid;
  await until(leads, "the first daemon to lead", 30_000);
  await until(async () => (await site.registrations("web"))[0]?.status === "passing", "web to pass", 60_000);
  const samples: Sample[] = [];
  for (let turn = 0; turn < (context.quick ? 2 : 12); turn += 1) {
    const standby = await startPeer(site);
    context.undo("standby", () => standby.stop());
    await until(() => standby.log().includes('"kind":"follower"'), "the second daemon to follow", 30_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = await leaderOf(stage.consul, site.environment);
    const [container] = await site.containers("web");
    const created = engine.event(
      "create",
      ({ Actor }) => Actor.Attributes["heal.environment"] === site.environment && Actor.Attributes["heal.slot"] === "1",
    );
    const beganMs = performance.now();
    await leader.crash();
    await engine.ask("POST", `/containers/${container?.Id}/kill`);
    const sequencer = (await created).Actor.Attributes["heal.sequencer"] ?? "";
    samples.push({ subject: (performance.now() - beganMs) / 1_000 });
    // `session@lockIndex`: each taking of the lock counts one up.
    if (Number(sequencer.split("@")[1]) <= (before?.lockIndex ?? 0))
      throw new Error(`created under ${sequencer}, not later than lock ${before?.lockIndex}`);
    leader = standby;
    await until(async () => (await site.registrations("web"))[0]?.status === "passing", "web to pass again", 60_000);
  }
  await leader.stop();
  await site.close();
  return samples;
}
