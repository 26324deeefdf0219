/** Gathers what the fault tests found into one table: printed at the end, and written where HEAL_FAULT_REPORT says. */
import { writeFileSync } from "node:fs";
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
    const table = ["| fault | outcome | ms |", "|---|---|---:|", ...lines, ""].join("\n");
    console.log(`\n${table}`);
    const file = process.env["HEAL_FAULT_REPORT"];
    if (file !== undefined) writeFileSync(file, table);
  }
}
