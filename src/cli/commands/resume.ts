import { checkServices } from "../check-words.ts";
import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

export const resume: CommandDefinition = {
  name: "resume",
  summary: "act on a paused service again",
  argument: { form: "<service>", description: "the service", kind: "service" },
  options: [],
  notes: [],
  examples: [["heal resume web", "web is healed again, beginning with the next pass"]],
  run: (context, { words }) =>
    withController(context, "resuming", async (controller, { environment }) => {
      const [service = ""] = words;
      await checkServices(controller, [service]);
      await controller.resume(service);
      printReport(context, { version: 1, environment, service, paused: false }, () => `${service} is healed again\n`);
      return EXIT.passing;
    }),
};
