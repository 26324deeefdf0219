import { cleanText } from "../../model/clean-text.ts";
import type { Problem } from "../../model/problem.ts";
import { formatProblem } from "../../model/problem.ts";
import { counted } from "../../report/present/spell.ts";
import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { printReport } from "../print-report.ts";
import { withProgress } from "../progress.ts";
import type { ValidationReport } from "../wiring-types.ts";

export const validate: CommandDefinition = {
  name: "validate",
  summary: "every error of heal.json and the desired state, with file, line and column",
  argument: {
    form: "[files...]",
    description: "desired-state files, judged as the whole of it; the environment's directories by default",
    kind: "file",
  },
  options: [],
  notes: ["Exit code: 0 when all is well, 78 when anything is wrong. Asks neither Docker nor Consul."],
  examples: [
    ["heal validate", "heal.json and the desired state of the default environment"],
    ["heal validate --env live desired-state/live/*.json", "some files, in a pre-commit hook or CI"],
  ],
  async run(context, { words }) {
    const report = await withProgress(context, "reading", context.wiring.validate(context.choice, words));
    printReport(context, report, text);
    return report.problems.length === 0 ? EXIT.passing : EXIT.configuration;
  },
};

function text({ problems, warnings, services, environment, sources }: ValidationReport): string {
  const lines = [...problems.map(line), ...warnings.map((warning) => `warning: ${line(warning)}`)];
  if (problems.length > 0) lines.push(counted(problems.length, "error"));
  else
    lines.push(
      ...mergedLines(sources),
      `valid: ${counted(services, "service")}${environment === null ? "" : ` in ${cleanText(environment, 100)}`}`,
    );
  return `${lines.join("\n")}\n`;
}

/** What a later directory laid over an earlier one is easily overlooked: `services.web.count: live/web.json`. */
function mergedLines(sources: ValidationReport["sources"]): readonly string[] {
  return Object.entries(sources).flatMap(([place, file]) => {
    const [, service = "", field] = place.split(".");
    const isOverlaid = field !== undefined && file !== sources[`services.${service}`];
    return isOverlaid ? [`${cleanText(place, 200)} is from ${cleanText(file, 300)}`] : [];
  });
}

function line(problem: Problem): string {
  return cleanText(formatProblem(problem), 2_000);
}
