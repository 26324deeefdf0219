/**
 * `heal` beside Redis Sentinel: the same containers, the same faults, the same client, in the same run.
 *
 *     tsx scripts/bench/redis.ts [--rounds 3] [--scenario killed]… [--json FILE]
 */
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import Docker from "dockerode";
import { ensureConsul } from "../machine/consul.ts";
import { ensureDocker } from "../machine/docker.ts";
import { demoImages, ensureImages } from "../machine/images.ts";
import type { Group } from "./redis/group.ts";
import { settings } from "./redis/group.ts";
import { openHealGroup } from "./redis/heal-group.ts";
import type { Outcome, Scenario } from "./redis/scenarios.ts";
import { measure, scenarios } from "./redis/scenarios.ts";
import { openSentinelGroup } from "./redis/sentinel-group.ts";

export interface RedisBench {
  readonly benchmark: "redis";
  readonly settings: typeof settings;
  readonly machine: { readonly cpus: number; readonly loadBefore: number };
  readonly outcomes: readonly Outcome[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly scenario: Scenario;
  readonly healMs: number;
  readonly sentinelMs: number;
  readonly ratio: number;
  readonly healLost: number;
  readonly sentinelLost: number;
}

const say = (line: string): void => console.error(`bench: ${line}`);

export async function benchRedis(rounds: number, chosen: readonly Scenario[]): Promise<RedisBench> {
  const loadBefore = loadavg()[0] ?? 0;
  process.env["HEAL_TEST_DOCKER"] ??= (await ensureDocker({ say })).dockerHost;
  process.env["HEAL_TEST_CONSUL"] ??= (await ensureConsul({ say })).address;
  await ensureImages(process.env["HEAL_TEST_DOCKER"], demoImages, { say });
  const docker = new Docker({ socketPath: process.env["HEAL_TEST_DOCKER"].replace("unix://", "") });
  const open = [() => openHealGroup(settings), () => openSentinelGroup(docker, settings)];
  const outcomes: Outcome[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const scenario of chosen) {
      for (const begin of open) {
        outcomes.push(await attempt(docker, begin, scenario, `${round}/${rounds} ${scenario}`));
      }
    }
  }
  const rows = chosen.map((scenario) => rowOf(scenario, outcomes));
  return { benchmark: "redis", settings, machine: { cpus: cpus().length, loadBefore }, outcomes, rows };
}

/** A group that does not come up on a busy machine is set up once more; what is measured is measured once. */
async function attempt(
  docker: Docker,
  begin: () => Promise<Group>,
  scenario: Scenario,
  label: string,
  again = true,
): Promise<Outcome> {
  const group = await begin();
  try {
    const master = await group.ready().catch((error: Error) => error);
    if (master instanceof Error) {
      say(`${label} ${group.name}: ${master.message}${again ? "; once more" : ""}`);
      if (!again) throw master;
    } else {
      const outcome = await measure(docker, group, master, scenario);
      say(`${label} ${group.name}: ${outcome.unavailableMs} ms, ${outcome.lostAcknowledged} lost`);
      return outcome;
    }
  } finally {
    await group.end();
  }
  return attempt(docker, begin, scenario, label, false);
}

function rowOf(scenario: Scenario, outcomes: readonly Outcome[]): Row {
  const of = (by: string): readonly Outcome[] => outcomes.filter((one) => one.scenario === scenario && one.by === by);
  const healMs = median(of("heal").map(({ unavailableMs }) => unavailableMs));
  const sentinelMs = median(of("Sentinel").map(({ unavailableMs }) => unavailableMs));
  const most = (all: readonly Outcome[]): number => Math.max(...all.map(({ lostAcknowledged }) => lostAcknowledged));
  return {
    scenario,
    healMs,
    sentinelMs,
    ratio: Math.round((healMs / sentinelMs) * 1_000) / 1_000,
    healLost: most(of("heal")),
    sentinelLost: most(of("Sentinel")),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      scenario: { type: "string", multiple: true },
      json: { type: "string" },
    },
  });
  const chosen = scenarios.filter((one) => values.scenario?.includes(one) ?? true);
  const result = await benchRedis(Number(values.rounds), chosen);
  console.table(result.rows);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
  process.exit(0);
}
