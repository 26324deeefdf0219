import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

const verbs = ["list", "test"] as const;

export const alert: CommandDefinition = {
  name: "alert",
  summary: "what alerts there are and who was told; a test message to a channel",
  argument: {
    form: "<what...>",
    description: `${verbs.join(", ")}, and for test the channel`,
    kind: "choice",
    choices: verbs,
  },
  options: [],
  notes: ["Exit code of `test`: 0 when the channel took the message, 1 when it did not."],
  examples: [
    ["heal alert list", "what fires, since when, and which channel has still to be told"],
    ["heal alert test ops-mail", "send a test message and wait for the channel's answer"],
  ],
  run: (context, { words }) => {
    const [verb = "", channel = "", ...more] = words;
    const isList = verb === "list" && channel === "";
    if (!isList && (verb !== "test" || channel === "" || more.length > 0)) {
      throw new UsageError(
        `"alert ${words.join(" ")}" is not understood`,
        "`heal alert list` or `heal alert test <channel>`",
      );
    }
    return withController(context, isList ? "asking" : "sending", async ({ alerts }) => {
      const { alertsText, alertTestText } = await import("../../report/present/alerts-text.ts");
      if (isList) {
        printReport(context, await alerts.list(), alertsText);
        return EXIT.passing;
      }
      const report = await alerts.test(channel);
      printReport(context, report, alertTestText);
      return report.taken ? EXIT.passing : EXIT.warning;
    });
  },
};
