import type { CheckReport } from "../../model/report.ts";
import { ControllerError, NotLeader } from "../../ports/controller.ts";
import { EngineError } from "../../ports/engine.ts";
import { RegistryError } from "../../ports/registry.ts";
import { cannotTell, checkReport, checkText } from "../../report/present/check-text.ts";
import { checkServices } from "../check-words.ts";
import type { CommandDefinition, Context } from "../command.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

export const check: CommandDefinition = {
  name: "check",
  summary: "one line and an exit code, as Consul's script checks want them",
  argument: { form: "[service]", description: "the service; all of them by default, the worst last", kind: "service" },
  options: [],
  notes: [
    "Exit code: 0 passing, 1 warning, 2 critical, 3 unknown. Changes nothing.",
    "A running daemon answers from what it knows, at once; without one it looks for itself.",
  ],
  examples: [
    ["heal check web", "web CRITICAL 1/3 healthy: 2 missing"],
    ['"args": ["heal", "check", "web"]', "in the definition of a Consul check"],
  ],
  async run(context, { words }) {
    const report = await look(context, words);
    printReport(context, report, checkText);
    return report.status;
  },
};

async function look(context: Context, words: readonly string[]): Promise<CheckReport> {
  try {
    return await withController(context, "looking", async (controller) => {
      await checkServices(controller, words);
      return checkReport(await controller.status(words));
    });
  } catch (error) {
    // Whoever cannot see cannot say that something is wrong: that is what "unknown" is for.
    const blind = [ControllerError, NotLeader, RegistryError, EngineError].some((kind) => error instanceof kind);
    if (!blind) throw error;
    return cannotTell(context.choice.environment ?? "", words, (error as Error).message);
  }
}
