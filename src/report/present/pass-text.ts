import type { ActionResult } from "../../model/action.ts";
import type { ServicePlan, Standing } from "../../model/plan.ts";
import type { PassReport } from "../../model/report.ts";
import { assertNever } from "../../model/assert-never.ts";
import { describeAction } from "../describe-action.ts";
import { cleaned } from "./cleaned.ts";
import type { Paint } from "./paint.ts";
import { notable } from "./quiet-services.ts";
import { holdLines, indent, longestName, reasonLine, standingLine } from "./service-lines.ts";
import { counted, spelled } from "./spell.ts";

/** What `heal` prints: per service how it stands now, what was done and what came of it, and what is held. */
export function passText(given: PassReport, paint: Paint): string {
  const report = cleaned(given);
  const after = new Map(report.after.map((standing) => [standing.service, standing]));
  const results = byService(report.results);
  const outcomes = report.services.map((plan) => ({
    plan,
    standing: after.get(plan.service) ?? plan.standing,
    results: results.get(plan.service) ?? [],
  }));
  const { shown, quiet } = notable(outcomes, (one) => one.results.length > 0 || one.plan.holds.length > 0);
  const width = longestName(shown.map(({ standing }) => standing));
  const lines = shown.flatMap((one) => [
    standingLine(one.standing, width, paint),
    ...before(one.plan, one.standing, paint),
    ...one.results.flatMap((result) => resultLines(result, paint)),
    ...holdLines(one.plan.holds, report.atMs, paint),
  ]);
  if (quiet > 0) lines.push(paint.faint(`${counted(quiet, "more service")}: passing, nothing to do`));
  return `${[...lines, "", conclusion(report)].join("\n")}\n`;
}

function byService(results: readonly ActionResult[]): ReadonlyMap<string, readonly ActionResult[]> {
  const map = new Map<string, ActionResult[]>();
  for (const result of results) {
    const list = map.get(result.action.service);
    if (list === undefined) map.set(result.action.service, [result]);
    else list.push(result);
  }
  return map;
}

/** How it stood before, where that was different. */
function before({ standing }: ServicePlan, now: Standing, paint: Paint): readonly string[] {
  return standing.summary === now.summary ? [] : [paint.faint(`${indent}before: ${standing.summary}`)];
}

function resultLines(result: ActionResult, paint: Paint): readonly string[] {
  const what = describeAction(result.action);
  const because = paint.faint(reasonLine(result.action.because));
  switch (result.kind) {
    case "done": {
      const note = result.note === null ? "" : `; ${result.note}`;
      return [`${indent}${paint.good("done")} ${what} (${spelled(result.tookMs)}${note})`, because];
    }
    case "failed":
      return [
        `${indent}${paint.bad("FAILED")} ${what} (${spelled(result.tookMs)})`,
        `${indent}  ${result.message}; ${nextStep[result.retry]}`,
        because,
      ];
    case "skipped":
      return [`${indent}${paint.wary("skipped")} ${what}: ${result.reason}`, because];
    default:
      return assertNever(result);
  }
}

const nextStep = {
  later: "tried again after a back-off",
  look: "it may have happened all the same, so the next pass looks first",
  never: "not tried again until something changes",
} as const;

function conclusion({ services, results, after }: PassReport): string {
  const count = (kind: ActionResult["kind"]) => results.filter((result) => result.kind === kind).length;
  const held = services.flatMap(({ holds }) => holds).length;
  const parts = [
    results.length === 0 ? "nothing was to be done" : counted(count("done"), "action done", "actions done"),
    count("failed") > 0 ? `${count("failed")} failed` : "",
    count("skipped") > 0 ? `${count("skipped")} skipped` : "",
    held > 0 ? `${held} held` : "",
  ];
  return `${counted(after.length, "service")}: ${parts.filter((part) => part !== "").join(", ")}`;
}
