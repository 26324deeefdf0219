import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { mustRun } from "../../machine/processes.ts";
import { writeAnswers } from "../fleet/answers-on-disk.ts";
import { aFleet, writeServices } from "../fleet/fleet.ts";
import type { Context, Row, Sample } from "../harness/row.ts";

interface Resynced {
  readonly samples: readonly Sample[];
  readonly blocked: readonly number[];
  readonly rssMiB: number;
}

const what = "full resync of 100,000 instances (10,000 services, 100 hosts), in process";

export const resyncRows: readonly Row[] = [
  {
    id: "resync",
    what: `${what}, CPU time`,
    reference: "JSON.parse of the same answers and a bare Map diff",
    goal: 1.3,
    run: async (context) => (await resynced(context)).samples,
  },
  {
    id: "resync-blocked",
    what: `${what}: longest turn of the event loop, CPU time of its thread`,
    reference: null,
    goal: 20,
    unit: "ms",
    quantile: 0.5,
    run: async (context) => (await resynced(context)).blocked.map((subject) => ({ subject })),
  },
  {
    id: "resync-rss",
    what: `${what}: memory of the process`,
    reference: null,
    goal: 400,
    unit: "MiB",
    run: async (context) => [{ subject: (await resynced(context)).rssMiB }],
  },
];

/** One run for all three rows. A smaller fleet would not show what they are about, so that a quick run only takes fewer turns. */
export function resynced(context: Context, services = 10_000): Promise<Resynced> {
  return context.once(`resync ${services}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
    try {
      writeServices(services, folder);
      writeAnswers(await aFleet(services, Date.now()), folder);
      const child = await compiled("scripts/bench/fleet/resync-child.ts");
      const turns = context.quick ? "4" : "9";
      const printed = await mustRun(process.execPath, [child, folder, turns], {
        timeoutMs: 600_000,
        env: process.env,
      });
      return JSON.parse(printed) as Resynced;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** As the program itself is built, so that no compiler's memory is counted as heal's. Beside the packages, to find them. */
async function compiled(source: string): Promise<string> {
  const outfile = resolve("node_modules/.cache/heal-bench/resync-child.mjs");
  const options = { bundle: true, platform: "node", format: "esm", packages: "external" } as const;
  await build({ ...options, entryPoints: [source], outfile, logLevel: "error" });
  return outfile;
}
