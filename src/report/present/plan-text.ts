import type { ServicePlan } from "../../model/plan.ts";
import type { PlanReport } from "../../model/report.ts";
import { cleaned } from "./cleaned.ts";
import type { Paint } from "./paint.ts";
import { notable } from "./quiet-services.ts";
import { holdLines, longestName, plannedLines, standingLine } from "./service-lines.ts";
import { counted } from "./spell.ts";

/** What `heal --dry-run` prints. `repeat` is the command that does exactly this, without the hash. */
export function planText(given: PlanReport, repeat: string, paint: Paint): string {
  const report = cleaned(given);
  const { shown, quiet } = notable(report.services, isBusy);
  const width = longestName(shown.map(({ standing }) => standing));
  const lines = shown.flatMap((service) => [
    standingLine(service.standing, width, paint),
    ...plannedLines(service.waves, paint),
    ...holdLines(service.holds, report.atMs, paint),
  ]);
  if (quiet > 0) lines.push(paint.faint(`${counted(quiet, "more service")}: passing, nothing to do`));
  return `${[...lines, "", ...conclusion(report, repeat, paint)].join("\n")}\n`;
}

function isBusy({ waves, holds }: ServicePlan): boolean {
  return waves.length > 0 || holds.length > 0;
}

function conclusion({ services, hash }: PlanReport, repeat: string, paint: Paint): readonly string[] {
  const actions = services.flatMap(({ waves }) => waves.flat()).length;
  const held = services.flatMap(({ holds }) => holds).length;
  const heldText = held === 0 ? "" : `, ${held} held`;
  if (actions === 0) return [`nothing to do for ${counted(services.length, "service")}${heldText}`];
  return [
    `${counted(actions, "action")} on ${counted(services.filter(({ waves }) => waves.length > 0).length, "service")}${heldText}; nothing has been done`,
    `plan ${paint.strong(hash)}; run \`${repeat} --expect ${hash}\` to do exactly this`,
  ];
}
