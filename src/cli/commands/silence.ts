import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";
import { durationOf } from "./pause.ts";

export const silence: CommandDefinition = {
  name: "silence",
  summary: "keep alerts about a service quiet for a while; it is healed all the same",
  argument: { form: "<service>", description: "the service (or host)", kind: "service" },
  options: [
    { form: "--for <duration>", description: "for how long, such as 30m, 2h or 1d" },
    { form: "--why <text>", description: "what for: shown in `heal alert list`" },
    { form: "--end", description: "end it now: what is still the matter is told" },
  ],
  notes: ["It ends by itself. To keep heal itself off a service, `heal pause`."],
  examples: [
    ['heal silence web --for 2h --why "being looked at"', "no alerts about web for two hours"],
    ["heal silence web --end", "alerts about web are told again"],
  ],
  run: (context, given) => {
    const [subject = ""] = given.words;
    const forMs = durationOf(given);
    if (given.options["end"] === true) {
      if (forMs !== null) throw new UsageError("a silence is begun or ended", "give --for or --end, not both");
      return withController(context, "ending a silence", async (controller, { environment }) => {
        await controller.alerts.endSilence(subject);
        const report = { version: 1, environment, subject, silenced: false };
        printReport(context, report, () => `alerts about ${subject} are told again\n`);
        return EXIT.passing;
      });
    }
    if (forMs === null) throw new UsageError("a silence needs an end", "say for how long: --for 2h");
    const why = typeof given.options["why"] === "string" ? given.options["why"] : "no reason given";
    return withController(context, "silencing", async (controller, { environment }) => {
      await controller.alerts.silence(subject, { forMs, why, by: "the command line" });
      printReport(
        context,
        { version: 1, environment, subject, silenced: true, forMs, why },
        () => `alerts about ${subject} are quiet for ${String(given.options["for"])}\n`,
      );
      return EXIT.passing;
    });
  },
};
