import { cleanText } from "../model/clean-text.ts";
import type { Problem } from "../model/problem.ts";
import { formatProblem } from "../model/problem.ts";
import type { Context } from "./command.ts";

/** What heal can do without is said where a person may see it, and nowhere else. */
export function tellWarnings({ terminal, json }: Context, warnings: readonly Problem[]): void {
  if (json || !terminal.errIsTerminal) return;
  for (const warning of warnings) terminal.err(`warning: ${cleanText(formatProblem(warning), 2_000)}\n`);
}
