import { parseDuration } from "../../model/duration.ts";
import { checkServices } from "../check-words.ts";
import type { CommandDefinition, Given } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

export const pause: CommandDefinition = {
  name: "pause",
  summary: "stop acting on a service: it is watched and reported, and nothing is done about it",
  argument: { form: "<service>", description: "the service", kind: "service" },
  options: [
    {
      form: "--for <duration>",
      description: "for how long, such as 90s, 30m, 1h or 2d; until `heal resume` by default",
    },
    { form: "--why <text>", description: "what for: shown in `heal status` to whoever wonders" },
  ],
  notes: ["It is remembered in Consul: every heal of the environment keeps to it, whichever leads."],
  examples: [
    ['heal pause web --for 1h --why "upgrade of Docker on h2"', "hands off web for an hour"],
    ["heal resume web", "end it early"],
  ],
  run: (context, given) => {
    const forMs = durationOf(given);
    const why = typeof given.options["why"] === "string" ? given.options["why"] : "no reason given";
    return withController(context, "pausing", async (controller, { environment }) => {
      const [service = ""] = given.words;
      await checkServices(controller, [service]);
      await controller.pause(service, { forMs, why });
      const until = forMs === null ? "until `heal resume`" : `for ${String(given.options["for"])}`;
      printReport(
        context,
        { version: 1, environment, service, paused: true, forMs, why },
        () => `${service} is paused ${until}\n`,
      );
      return EXIT.passing;
    });
  },
};

export function durationOf({ options }: Given): number | null {
  const written = options["for"];
  if (typeof written !== "string") return null;
  const ms = parseDuration(written);
  if (ms === null || ms <= 0) throw new UsageError(`"${written}" is no duration`, "such as 90s, 30m, 1h, 1h30m or 2d");
  return ms;
}
