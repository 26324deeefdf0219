import { mustRun, run } from "../../machine/processes.ts";
import type { Context, Row, Samples } from "../harness/row.ts";
import { stageOf } from "../harness/stage.ts";
import { interleave, timed } from "../harness/turns.ts";
import { until } from "../../../test/e2e/support/site.ts";
import type { Site } from "../../../test/e2e/support/site.ts";
import { webService } from "../../../test/e2e/support/services.ts";

/** Started anew each time, as Consul starts a script check or a watch handler; the daemon runs and answers. */
export const cliRows: readonly Row[] = [
  {
    id: "check-cold",
    what: "`heal check web`, daemon running",
    reference: "`node -e 0`",
    goal: 1.35,
    run: (context) => againstBareNode(context, ["check", "web"], ""),
  },
  {
    id: "watch-cold",
    what: "`heal watch` with a hint on standard input, daemon running",
    reference: "`node -e 0`",
    goal: 1.35,
    run: (context) => againstBareNode(context, ["watch"], '[{"ServiceName":"web"}]'),
  },
];

async function againstBareNode(context: Context, args: readonly string[], input: string): Promise<Samples> {
  const site = await guarded(context);
  const program = ["dist/bin.js", ...args, "--config", site.config];
  const first = await run(process.execPath, program, { input });
  if (first.code !== 0) throw new Error(`heal ${args.join(" ")} ended with ${first.code}: ${first.stderr}`);
  return interleave(
    context.quick ? 15 : 60,
    2,
    () => timed(() => run(process.execPath, program, { input })),
    () => timed(() => mustRun(process.execPath, ["-e", "0"])),
  );
}

/** One healthy service with a daemon that leads. */
function guarded(context: Context): Promise<Site> {
  return context.once("guarded site", async () => {
    const site = (await stageOf(context)).site();
    site.desire({ web: webService(2) });
    await site.daemon();
    await until(async () => (await site.heal("check", "web")).code === 0, "web to be healthy", 60_000);
    return site;
  });
}
