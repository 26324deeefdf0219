import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

export const confirm: CommandDefinition = {
  name: "confirm",
  summary: "say that a desired state which suddenly asks for much less is meant",
  argument: {
    form: "<hash>",
    description: "the hash that `heal status` and the alert name",
    kind: "choice",
    choices: [],
  },
  options: [],
  notes: ["An emptied directory or a wrong checkout looks the same, so the last good state stays in force until then."],
  examples: [["heal confirm 5f0c2a9d1e7b4c33", "take the state of that hash into force"]],
  run: (context, { words }) =>
    withController(context, "confirming", async (controller, { environment }) => {
      const [hash = ""] = words;
      await controller.confirm(hash);
      printReport(context, { version: 1, environment, hash, accepted: true }, () => `${hash} is in force\n`);
      return EXIT.passing;
    }),
};
