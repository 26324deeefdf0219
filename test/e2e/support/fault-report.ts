/** Gathers what the fault tests found into one table: printed at the end, and written where HEAL_FAULT_REPORT says. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { TestContext } from "vitest";
import type { Reporter, TestModule } from "vitest/node";

export interface FaultRow {
  readonly fault: string;
  /** As it was read back from Docker and Consul. */
  readonly outcome: string;
  /** From the fault to the outcome; null where there is nothing to wait for. */
  readonly tookMs: number | null;
}

declare module "vitest" {
  interface TaskMeta {
    faults?: FaultRow[];
  }
}

/** Notes a row for the table; only rows of tests that pass are shown as reached. */
export function noteFault(
  { task }: Pick<TestContext, "task">,
  fault: string,
  outcome: string,
  tookMs: number | null,
): void {
  task.meta.faults = [
    ...(task.meta.faults ?? []),
    { fault, outcome, tookMs: tookMs === null ? null : Math.round(tookMs) },
  ];
}

/** The vitest reporter behind `npm run test:faults`. */
export default class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules
      .toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1))
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) =>
        (test.meta().faults ?? []).map((row) => ({ ...row, passed: test.result().state === "passed" })),
      );
    if (rows.length === 0) return;
    const lines = rows.map(
      ({ fault, outcome, tookMs, passed }) =>
        `| ${fault} | ${passed ? outcome : `**failed**: expected ${outcome}`} | ${tookMs ?? ""} |`,
    );
    const failed = rows.filter(({ passed }) => !passed).length;
    const head = [
      `${rows.length} outcomes${failed === 0 ? "" : `, ${failed} of them failed`}, on ${new Date().toISOString().slice(0, 10)},`,
      `heal ${commit()} against ${process.env["HEAL_TEST_VERSIONS"] ?? "unknown versions"}.`,
    ].join(" ");
    const report = [head, "", "| fault | outcome | ms |", "|---|---|---:|", ...lines, ""].join("\n");
    console.log(`\n${report}`);
    const file = process.env["HEAL_FAULT_REPORT"];
    if (file !== undefined) writeFileSync(file, within(existsSync(file) ? readFileSync(file, "utf8") : "", report));
  }
}

const begin = "<!-- outcomes: written by npm run test:faults -->";
const end = "<!-- end of outcomes -->";

/** A page that has a place for it is kept around it. */
function within(page: string, report: string): string {
  const [before, after] = [page.indexOf(begin), page.indexOf(end)];
  if (before < 0 || after < before) return report;
  return `${page.slice(0, before + begin.length)}\n\n${report}\n${page.slice(after)}`;
}

/** Of which sources: with a plus where they were changed since. */
function commit(): string {
  const git = (...words: string[]): string => execFileSync("git", words, { encoding: "utf8" }).trim();
  try {
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") === "" ? "" : "+"}`;
  } catch {
    return "of unknown sources";
  }
}
