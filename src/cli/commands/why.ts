import { checkServices } from "../check-words.ts";
import type { CommandDefinition } from "../command.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

export const why: CommandDefinition = {
  name: "why",
  summary: "all that is known of one service: what was seen, which rule fired or held, what was done",
  argument: { form: "<service>", description: "the service", kind: "service" },
  options: [],
  notes: ["Exit code: the status of the service. Changes nothing."],
  examples: [["heal why web", "why web stands as it does, and why nothing more is done about it"]],
  run: (context, { words }) =>
    withController(context, "looking", async (controller) => {
      const [service = ""] = words;
      await checkServices(controller, [service]);
      const report = await controller.why(service);
      const { whyText } = await import("../../report/present/why-text.ts");
      printReport(context, report, (it, paint, columns) => whyText(it, columns, paint));
      return report.standing.status;
    }),
};
