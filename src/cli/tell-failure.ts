import type { ErrorCode, ErrorReport } from "../model/report.ts";
import { REPORT_VERSION } from "../model/report.ts";
import { formatProblem } from "../model/problem.ts";
import type { Terminal } from "../ports/terminal.ts";
import { errorReport } from "../report/present/error-report.ts";
import { jsonText } from "../report/present/json-text.ts";
import { EXIT } from "./exit-codes.ts";
import { CannotWrite, Interrupted, UsageError } from "./failures.ts";

/** Says what went wrong and what to do, in words or as JSON, and gives the exit code. */
export function tellFailure(error: unknown, terminal: Terminal, json: boolean): number {
  const report = reportOf(error);
  if (json) terminal.out(jsonText(report));
  else terminal.err(failureText(report));
  return error instanceof Interrupted ? EXIT.interrupted[error.signal] : exitOf[report.error.code];
}

function reportOf(error: unknown): ErrorReport {
  const is = (code: ErrorCode, message: string, advice: string | null): ErrorReport => ({
    version: REPORT_VERSION,
    error: { code, message, advice },
  });
  if (error instanceof UsageError) return is("usage", error.message, error.advice);
  if (error instanceof Interrupted) {
    return is("interrupted", error.message, "what had been sent may have happened; the next pass looks first");
  }
  if (error instanceof CannotWrite) return is(error.kind, error.message, null);
  return errorReport(error) ?? is("bug", `this is a bug in heal: ${nameOf(error)}`, bugAdvice(error));
}

function failureText({ error }: ErrorReport): string {
  const problems = (error.problems ?? []).map((problem) => `${oneLine(formatProblem(problem))}\n`).join("");
  const advice = error.advice === null ? "" : `      ${oneLine(error.advice)}\n`;
  return `${problems}heal: ${oneLine(error.message)}\n${advice}`;
}

/** Messages quote what came from outside. Their backticks are ours and stay, unlike in `cleanText`. */
function oneLine(text: string): string {
  return text.slice(0, 4_000).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The innermost place is what a report needs; the rest of a stack trace frightens and does not help its reader. */
function bugAdvice(error: unknown): string {
  const place = error instanceof Error ? /\n\s+at ([^\n]+)/.exec(error.stack ?? "")?.[1] : undefined;
  const where = place === undefined ? "" : `, which happened at ${place}`;
  return `please report it with the command and this message${where}; nothing more was done`;
}

const exitOf: Readonly<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  "unknown-service": EXIT.usage,
  configuration: EXIT.configuration,
  "plan-changed": EXIT.planChanged,
  "not-leader": EXIT.notLeader,
  unavailable: EXIT.unavailable,
  denied: EXIT.denied,
  exists: EXIT.exists,
  interrupted: EXIT.interrupted.SIGINT,
  bug: EXIT.bug,
};
