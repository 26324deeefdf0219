import type { RedisReport } from "../../model/redis-report.ts";
import type { RedisControl } from "../../ports/controller.ts";
import { ControllerError } from "../../ports/controller.ts";
import { checkServices } from "../check-words.ts";
import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

const verbs = ["status", "switchover", "promote"] as const;
type Verb = (typeof verbs)[number];

export const redis: CommandDefinition = {
  name: "redis",
  summary: "the roles of a Redis service: who is the master, and a change of it",
  argument: {
    form: "<what...>",
    description: `${verbs.join(", ")}, and the service`,
    kind: "choice",
    choices: verbs,
  },
  options: [{ form: "--to <instance>", description: "the new master: a container's name or a slot's number" }],
  notes: [
    "`switchover` hands the role over without losing an acknowledged write; it does nothing where that cannot be had.",
    "`promote` takes a decision that heal leaves to a person: it accepts a loss of data, or says which of two masters is the right one.",
    "Exit code of `status`: 0 when all is well, 1 when somebody should look, 2 when nobody can write.",
  ],
  examples: [
    ["heal redis status sessions", "roles, offsets, links, tags, the last change of master"],
    ["heal redis switchover sessions --to 2", "make slot 2's instance the master"],
    ["heal redis promote sessions", "let the best replica take over although data is lost"],
  ],
  run: (context, { words, options }) =>
    withController(context, "looking", async (controller) => {
      const [verb = "", service = "", ...more] = words;
      if (!isVerb(verb) || service === "" || more.length > 0) {
        throw new UsageError(`"redis ${words.join(" ")}" is not understood`, `${verbs.join(", ")}, and one service`);
      }
      await checkServices(controller, [service]);
      if (controller.redis === undefined)
        throw new ControllerError("refused", "the daemon knows nothing of Redis roles");
      const to = typeof options["to"] === "string" ? options["to"] : null;
      const report = await ask(controller.redis, verb, service, to);
      const { redisText } = await import("../../report/present/redis-text.ts");
      printReport(context, report, redisText);
      return verb === "status" ? exitCodeOf(report) : EXIT.passing;
    }),
};

function isVerb(word: string): word is Verb {
  return (verbs as readonly string[]).includes(word);
}

function ask(control: RedisControl, verb: Verb, service: string, to: string | null): Promise<RedisReport> {
  switch (verb) {
    case "status":
      return control.status(service);
    case "switchover":
      return control.switchover(service, to);
    case "promote":
      return control.promote(service, to);
  }
}

function exitCodeOf({ standing }: RedisReport): number {
  if (!standing.writable) return EXIT.critical;
  return standing.kind === "well" || standing.kind === "starting" ? EXIT.passing : EXIT.warning;
}
