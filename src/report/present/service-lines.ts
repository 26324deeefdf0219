import type { Action, Because, Hold } from "../../model/action.ts";
import type { Standing } from "../../model/plan.ts";
import { describeAction } from "../describe-action.ts";
import type { Paint } from "./paint.ts";
import { statusLabel } from "./paint.ts";
import { spelled } from "./spell.ts";

/** `web    CRITICAL  1/3 healthy: 2 missing`, the name padded to `nameWidth`. */
export function standingLine(standing: Standing, nameWidth: number, paint: Paint): string {
  const name = standing.service + " ".repeat(Math.max(0, nameWidth - standing.service.length));
  return `${paint.strong(name)}  ${statusLabel(standing.status, paint)}  ${standing.summary}`;
}

/** What is planned in waves, each action with its reason. `then` stands between waves: the next waits for the last. */
export function plannedLines(waves: readonly (readonly Action[])[], paint: Paint): readonly string[] {
  return waves.flatMap((wave, index) => [
    ...(index === 0 ? [] : [paint.faint(`${indent}then, when that is done:`)]),
    ...wave.flatMap((action) => [
      `${indent}would ${paint.strong(describeAction(action))}`,
      paint.faint(reasonLine(action.because)),
    ]),
  ]);
}

/** What is held, why it would have been done, why not, and when it is looked at again. */
export function holdLines(holds: readonly Hold[], atMs: number | undefined, paint: Paint): readonly string[] {
  return holds.flatMap((hold) => [
    `${indent}${paint.wary("held")} ${hold.because.rule}: ${hold.because.evidence}`,
    paint.faint(`${indent}  by ${hold.heldBy}: ${hold.reason}${again(hold, atMs)}`),
  ]);
}

export function reasonLine({ rule, evidence }: Because): string {
  return `${indent}  because ${evidence} (${rule})`;
}

export const indent = "    ";

function again({ untilMs }: Hold, atMs: number | undefined): string {
  if (untilMs === null || atMs === undefined || untilMs <= atMs) return "";
  return `; next look in ${spelled(untilMs - atMs)}`;
}

export function longestName(standings: readonly Standing[]): number {
  return Math.max(0, ...standings.map(({ service }) => service.length));
}
