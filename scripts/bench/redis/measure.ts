/** `heal` beside Redis Sentinel: the same containers, the same faults, the same client, by turns. */
import { askEngine } from "../../machine/engine-api.ts";
import { startFleet } from "../../machine/fleet.ts";
import { ensureImages } from "../../machine/images.ts";
import type { Context } from "../harness/row.ts";
import { quantile } from "../harness/row.ts";
import { stageOf } from "../harness/stage.ts";
import type { BenchHost, Carer } from "./carer.ts";
import { settings } from "./carer.ts";
import { openHealCarer } from "./heal-carer.ts";
import type { Outcome, Power, Scenario } from "./scenarios.ts";
import { measure } from "./scenarios.ts";
import { openSentinelCarer } from "./sentinel-carer.ts";

/** What one round of a scenario gave on either side. */
export interface Pair {
  readonly heal: Outcome;
  readonly sentinel: Outcome;
}

export type RedisMeasured = Readonly<Record<Scenario, readonly Pair[]>>;

const local: readonly Scenario[] = ["killed", "hung", "partition", "switchover"];
const noPower: Power = { off: async () => undefined, on: async () => undefined };
const TRIES = 2;
/** A failover that a silent host called for is not followed by another one sooner: ten times `downAfter`. */
const COOLDOWN_MS = 10 * settings.downAfterMs;

/** Every scenario in every round, `heal` and Sentinel right after one another; who is first alternates. */
export function redisMeasured(context: Context): Promise<RedisMeasured> {
  return context.once("redis", async () => {
    const rounds = context.quick ? 2 : 5;
    const pairs: Record<Scenario, Pair[]> = { killed: [], hung: [], "dead-host": [], partition: [], switchover: [] };
    const here = await onThisMachine(context);
    for (let round = 0; round < rounds; round += 1) {
      for (const scenario of local) pairs[scenario].push(await pair(context, here, scenario, round));
    }
    await here.close();
    const there = await onFleet(context);
    for (let round = 0; round < rounds; round += 1) {
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, COOLDOWN_MS));
      pairs["dead-host"].push(await pair(context, there, "dead-host", round));
    }
    await there.close();
    tell(context, pairs);
    return pairs;
  });
}

interface Ground {
  readonly heal: Carer;
  readonly sentinel: Carer;
  readonly power: Power;
  readonly group: (scenario: Scenario) => string;
  close(): Promise<void>;
}

async function onThisMachine(context: Context): Promise<Ground> {
  const { docker, consul } = await stageOf(context);
  await ensureImages(docker, ["heal-demo/redis:1"], context);
  const { IPAM } = await askEngine<{ IPAM: { Config: { Gateway: string }[] } }>(docker, "GET", "/networks/bridge");
  // The one address of this machine that containers reach as well.
  const hosts = [{ name: "local", docker, address: IPAM.Config[0]?.Gateway ?? "", consul }];
  return open(context, { consul, heal: hosts, sentinel: hosts, groups: local }, noPower);
}

/** Three hosts for each, since what is done to one would be done to the other as well. */
async function onFleet(context: Context): Promise<Ground> {
  const fleet = await startFleet({ say: context.say, hosts: 6, tcp: true, images: ["heal-demo/redis:1"] });
  const stop = once(() => fleet.stop());
  context.undo("fleet", stop);
  const hosts = fleet.hosts.map(({ name, docker, address, consulAddress }): BenchHost => {
    return { name, docker, address, consul: consulAddress };
  });
  const numberOf = (host: string): number => hosts.findIndex(({ name }) => name === host) + 1;
  const power: Power = {
    off: (host) => fleet.powerOff(numberOf(host)),
    on: (host) => fleet.boot(numberOf(host)),
  };
  const consul = fleet.consul.address;
  const where: Where = { consul, heal: hosts.slice(0, 3), sentinel: hosts.slice(3), groups: ["dead-host"] };
  const ground = await open(context, where, power);
  return { ...ground, close: () => ground.close().then(stop) };
}

interface Where {
  readonly consul: string;
  readonly heal: readonly BenchHost[];
  readonly sentinel: readonly BenchHost[];
  readonly groups: readonly Scenario[];
}

async function open(context: Context, { consul, heal, sentinel, groups }: Where, power: Power): Promise<Ground> {
  const suffix = `${process.pid}`;
  const named = (scenario: Scenario): string => `${scenario}-${suffix}`;
  const byHeal = await openHealCarer({ consul, hosts: heal, groups: groups.map(named) });
  const ends = [once(() => byHeal.end())];
  context.undo("groups of heal", ends[0] as () => Promise<void>);
  const bySentinel = await openSentinelCarer({ hosts: sentinel, groups: groups.map(named) });
  ends.push(once(() => bySentinel.end()));
  context.undo("groups of Sentinel", ends[1] as () => Promise<void>);
  return {
    heal: byHeal,
    sentinel: bySentinel,
    power,
    group: named,
    close: async () => void (await Promise.all(ends.map((end) => end()))),
  };
}

/** What is ended in time is not ended again at the end of all. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}

async function pair(context: Context, ground: Ground, scenario: Scenario, round: number): Promise<Pair> {
  const one = (carer: Carer): Promise<Outcome> => attempt(context, ground, carer, scenario, round);
  if (round % 2 === 0) {
    const heal = await one(ground.heal);
    return { heal, sentinel: await one(ground.sentinel) };
  }
  const sentinel = await one(ground.sentinel);
  return { heal: await one(ground.heal), sentinel };
}

/** What could not be set up is set up once more; what was measured is measured once. */
async function attempt(
  context: Context,
  { power, group }: Ground,
  carer: Carer,
  scenario: Scenario,
  round: number,
): Promise<Outcome> {
  for (let left = TRIES; ; left -= 1) {
    try {
      const outcome = await measure({ carer, scenario, group: group(scenario), power });
      const { unavailableMs, lostAcknowledged, acknowledged } = outcome;
      context.say(
        `${round + 1} ${scenario}, ${carer.name}: ${unavailableMs} ms, ${lostAcknowledged} of ${acknowledged} lost`,
      );
      return outcome;
    } catch (error) {
      context.say(`${scenario}, ${carer.name}: ${error instanceof Error ? error.message : String(error)}`);
      if (left === 1) throw error;
    }
  }
}

function tell(context: Context, pairs: RedisMeasured): void {
  context.say("| scenario | heal: without writes, ms | lost, most | Sentinel: without writes, ms | lost, most |");
  for (const [scenario, all] of Object.entries(pairs)) {
    const cells = (["heal", "sentinel"] as const).flatMap((side) => [
      quantile(
        all.map((one) => one[side].unavailableMs),
        0.5,
      ),
      Math.max(...all.map((one) => one[side].lostAcknowledged)),
    ]);
    context.say(`| ${[scenario, ...cells].join(" | ")} |`);
  }
}
