import { closest } from "../../model/closest.ts";
import { worstStatus } from "../../model/status.ts";
import type { Controller } from "../../ports/controller.ts";
import { UnknownService } from "../../ports/controller.ts";
import { checkServices } from "../check-words.ts";
import type { CommandDefinition, Context, Given } from "../command.ts";
import { UsageError } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { withController } from "../with-controller.ts";

/** `heal` and `heal --dry-run`: what is run when no other command is named. */
export const heal: CommandDefinition = {
  name: "pass",
  summary: "one pass: observe, plan, act, report (what `heal` alone does)",
  argument: { form: "[service...]", description: "services to look at; all of them by default", kind: "service" },
  options: [
    { form: "--dry-run", description: "show what would be done and why, and do nothing" },
    { form: "--expect <hash>", description: "act only if the plan is still the one that a dry run printed" },
  ],
  notes: [
    "Exit code: the worst status afterwards (0 passing, 1 warning, 2 critical, 3 unknown); with --dry-run the status now.",
    "A running daemon is asked to do it; without one it is done here, under the same lock.",
    "`heal pass …` is the same as `heal …`, and reaches a service that is called like a command.",
  ],
  examples: [
    ["heal --dry-run", "what would be done, and why"],
    ["heal --expect 1a2b3c4d5e6f", "do exactly that, or nothing if the plan has changed"],
    ["heal web api", "heal two services"],
  ],
  async run(context, given) {
    const dryRun = given.options["dryRun"] === true;
    const expect = hashOf(given);
    if (dryRun && expect !== null) throw new UsageError("--dry-run and --expect exclude each other");
    const doing = dryRun ? "looking" : given.words.length === 0 ? "healing" : `healing ${given.words.length} services`;
    return withController(context, doing, async (controller) => {
      await checkWords(controller, given.words, context);
      return dryRun ? plan(context, controller, given.words) : pass(context, controller, given.words, expect);
    });
  },
};

function hashOf({ options }: Given): string | null {
  const { expect } = options;
  if (typeof expect !== "string") return null;
  if (!/^[0-9a-f]{6,64}$/.test(expect)) {
    throw new UsageError(`"${expect}" is no plan's hash`, "`heal --dry-run` prints it on its last line");
  }
  return expect;
}

/** Whoever mistypes a command has named a service that does not exist. */
async function checkWords(controller: Controller, words: readonly string[], { commands }: Context): Promise<void> {
  try {
    await checkServices(controller, words);
  } catch (error) {
    const meant = error instanceof UnknownService ? closest(error.service, commands) : null;
    if (!(error instanceof UnknownService) || meant === null) throw error;
    const service = error.suggestion === null ? "" : ` or the service ${error.suggestion}`;
    throw new UsageError(
      `there is neither a command nor a desired service "${error.service}"`,
      `did you mean \`heal ${meant}\`${service}?`,
    );
  }
}

async function plan(context: Context, controller: Controller, services: readonly string[]): Promise<number> {
  const report = await controller.planNow(services);
  const { planText } = await import("../../report/present/plan-text.ts");
  printReport(context, report, (it, paint) => planText(it, repeatCommand(context, services), paint));
  return report.status;
}

/** What to type to do what a dry run printed, in the same environment. */
function repeatCommand({ choice }: Context, services: readonly string[]): string {
  const { configPath, environment } = choice;
  return [
    "heal",
    ...(configPath === null ? [] : ["--config", configPath]),
    ...(environment === null ? [] : ["--env", environment]),
    ...services,
  ].join(" ");
}

async function pass(
  context: Context,
  controller: Controller,
  services: readonly string[],
  expect: string | null,
): Promise<number> {
  const report = await controller.pass(services, expect);
  const { passText } = await import("../../report/present/pass-text.ts");
  printReport(context, report, passText);
  return worstStatus(report.after.map(({ status }) => status));
}
