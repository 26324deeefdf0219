import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { until } from "../../../test/e2e/support/site.ts";
import { startConsul, type ConsulAgent } from "../../machine/consul.ts";
import { mustRun } from "../../machine/processes.ts";
import { started } from "../harness/node-process.ts";
import type { Context } from "../harness/row.ts";
import { ENVIRONMENT, writeServices } from "./fleet.ts";

/** A real Consul that knows many services of ten instances, stand-ins for the engines that run them, and the daemon's settings. */
export interface LargeSite {
  readonly consul: ConsulAgent;
  readonly services: number;
  /** The built program, when it has seen every service well. */
  daemon(): Promise<{ readonly pid: number; stop(): Promise<void> }>;
  /** Bare Node that asks as often as a daemon with nothing to do, and does nothing with the answers. */
  bareIdler(): Promise<{ readonly pid: number; stop(): Promise<void> }>;
}

/**
 * A machine that is busy for a moment does not cost it its leader. What a check says beside its status is sent to the
 * catalog within seconds instead of within ten minutes, one check at a time: nothing is to happen while rest is measured.
 */
const config = { performance: { raft_multiplier: 10 }, check_update_interval: "4s" };
const HOSTS_OF = 1_000;
/** What docs/operations.md and the image set for the daemon. */
const asInOperations = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_TRIM_THRESHOLD_: "131072",
  MALLOC_MMAP_THRESHOLD_: "131072",
};

export function largeSite(context: Context, services = 1_000): Promise<LargeSite> {
  return context.once(`large site ${services}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
    context.undo("large site's folder", () => rmSync(folder, { recursive: true, force: true }));
    if (!existsSync("dist/bin.js")) await mustRun("npm", ["run", "build"], { env: process.env, timeoutMs: 120_000 });
    const server = ["--import", "tsx", resolve("scripts/bench/fleet/engine-server.ts"), folder, String(services)];
    const engines = await started(context, server, join(folder, "engines.log"), "ready");
    context.undo("stand-in engines", () => engines.stop());
    const consul = await startConsul({ say: context.say, name: "bench", config });
    context.undo("Consul of the large site", () => consul.stop());
    await register(consul.address, JSON.parse(readFileSync(join(folder, "registrations.json"), "utf8")) as object[]);
    const settingsFile = settings(folder, consul.address, Math.ceil((services * 10) / HOSTS_OF));
    const idler = ["--import", "tsx", resolve("scripts/bench/bare/idler.ts"), folder, consul.address];
    return {
      consul,
      services,
      daemon: () => daemon(context, folder, settingsFile, consul.address, services),
      bareIdler: () => started(context, idler, join(folder, "idler.log"), "ready"),
    };
  });
}

/** As many as Consul takes in one transaction. */
const OPERATIONS_MAX = 64;

async function register(consul: string, operations: readonly object[]): Promise<void> {
  for (let from = 0; from < operations.length; from += OPERATIONS_MAX) {
    const body = JSON.stringify(operations.slice(from, from + OPERATIONS_MAX));
    const answer = await fetch(`${consul}/v1/txn`, { method: "PUT", body });
    if (!answer.ok) throw new Error(`Consul refused what is to be registered: ${await answer.text()}`);
  }
}

function settings(folder: string, consul: string, hosts: number): string {
  mkdirSync(join(folder, "desired"));
  const names = Array.from({ length: hosts }, (_, at) => `h${at}`);
  const engines = names.map((name) => [
    name,
    {
      docker: `unix://${join(folder, `${name}.sock`)}`,
      consulAgent: `unix://${join(folder, `${name}.agent`)}`,
      address: "10.0.0.1",
    },
  ]);
  const own = { consul: { address: consul }, hosts: Object.fromEntries(engines), desiredState: ["desired"] };
  const server = { listen: "none", socket: join(folder, "heal.sock") };
  const config = join(folder, "heal.json");
  writeFileSync(
    config,
    JSON.stringify({ environments: { [ENVIRONMENT]: own }, defaultEnvironment: ENVIRONMENT, server }),
  );
  return config;
}

async function daemon(context: Context, folder: string, config: string, consul: string, services: number) {
  writeServices(services, join(folder, "desired"));
  const args = [resolve("dist/bin.js"), "run", "--config", config];
  const log = join(folder, `daemon-${Date.now()}.log`);
  const running = await started(context, args, log, '"controller.started"', asInOperations);
  context.undo("daemon of the large site", () => running.stop());
  // It shows how each service stands as a check of its own.
  const arePassing = async (): Promise<boolean> => {
    const answer = await fetch(`${consul}/v1/health/checks/heal-status`);
    const checks = answer.ok ? ((await answer.json()) as { readonly Status: string }[]) : [];
    return checks.length === services && checks.every(({ Status }) => Status === "passing");
  };
  await until(arePassing, "the daemon to have found every service well", 240_000, 250);
  return running;
}
