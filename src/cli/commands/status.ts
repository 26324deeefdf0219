import { checkServices } from "../check-words.ts";
import type { CommandDefinition } from "../command.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

export const status: CommandDefinition = {
  name: "status",
  summary: "how services stand, what was done last, and why",
  argument: { form: "[service...]", description: "the services; all of them by default", kind: "service" },
  options: [],
  notes: [
    "Exit code: the worst status (0 passing, 1 warning, 2 critical, 3 unknown). Changes nothing.",
    "Columns in which no service has anything are left out.",
  ],
  examples: [
    ["heal status", "everything"],
    ["heal status web --json", "one service, for a script"],
  ],
  run: (context, { words }) =>
    withController(context, "looking", async (controller) => {
      await checkServices(controller, words);
      const report = await controller.status(words);
      const { statusText } = await import("../../report/present/status-text.ts");
      printReport(context, report, (it, paint, columns) => statusText(it, columns, paint));
      return report.status;
    }),
};
