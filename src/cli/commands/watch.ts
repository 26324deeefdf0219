import { worstStatus } from "../../model/status.ts";
import type { PassReport } from "../../model/report.ts";
import type { Controller } from "../../ports/controller.ts";
import { NotLeader } from "../../ports/controller.ts";
import type { CommandDefinition, Context } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { hintBytesMax, readWatchHint } from "../watch-hint.ts";
import type { WatchHint } from "../watch-hint.ts";
import { withController } from "../with-controller.ts";

export const watch: CommandDefinition = {
  name: "watch",
  summary: "handler of Consul watches: looks again at what the JSON on its standard input is about",
  argument: null,
  options: [],
  notes: [
    "What Consul writes is a hint: heal looks for itself, and acts only if something is really missing. A running daemon is nudged.",
    "Silent, with exit code 0, when nothing was to be done; else it prints what was done and exits with the worst status.",
    "Made for watches of the types service and checks; services, nodes, keyprefix and others make it look at everything.",
  ],
  examples: [
    ['{ "type": "checks", "state": "critical", "args": ["heal", "watch"] }', "one of the `watches` of a Consul agent"],
    ["consul watch -type=service -service=web heal watch", "by hand"],
  ],
  async run(context) {
    if (context.terminal.inputIsTerminal) {
      throw new UsageError("heal watch reads what Consul writes to a watch handler", "to look by hand use `heal`");
    }
    const hint = readWatchHint(await context.terminal.readInput(hintBytesMax));
    return withController(context, "looking", async (controller, _, asked) => {
      if (asked === "self") return follow(context, controller, hint);
      await controller.nudge(hint.kind === "all" ? [] : hint.services);
      return EXIT.passing;
    });
  },
};

async function follow(context: Context, controller: Controller, hint: WatchHint): Promise<number> {
  const report = await passOver(controller, await placed(controller, hint));
  if (report === null || report.results.length === 0) return EXIT.passing;
  const { passText } = await import("../../report/present/pass-text.ts");
  printReport(context, report, passText);
  return worstStatus(report.after.map(({ status }) => status));
}

/** A name that is no desired service's may be what one of them is called in Consul: then all are looked at. */
async function placed(controller: Controller, hint: WatchHint): Promise<readonly string[]> {
  if (hint.kind === "all") return [];
  const desired = new Set(await controller.services());
  return hint.services.every((name) => desired.has(name)) ? hint.services : [];
}

/** null: another heal holds the lock. It has watches of its own, so nothing is lost by leaving it to that one. */
async function passOver(controller: Controller, services: readonly string[]): Promise<PassReport | null> {
  try {
    return await controller.pass(services, null);
  } catch (error) {
    if (error instanceof NotLeader) return null;
    throw error;
  }
}
