import type { AlertRow, AlertsReport, AlertTestReport } from "../../model/alert-report.ts";
import { cleanText } from "../../model/clean-text.ts";

/** `heal alert list`, for a terminal. */
export function alertsText({ environment, alerts, silences, channels }: AlertsReport): string {
  const lines = [
    ...(alerts.length === 0 ? [`${cleanText(environment, 60)}: no alerts`] : alerts.flatMap(rowLines)),
    ...silences.map(
      ({ subject, untilWallMs, why, by }) =>
        `silenced  ${cleanText(subject, 100)} until ${iso(untilWallMs)} by ${cleanText(by, 60)}: ${cleanText(why, 200)}`,
    ),
    ...(channels.length === 0 ? ["no alert channel is set up: see `alerts` in heal.json"] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** `heal alert test`, for a terminal. */
export function alertTestText({ channel, taken, reason }: AlertTestReport): string {
  const name = cleanText(channel, 60);
  return taken
    ? `${name} took the test alert\n`
    : `${name} did not take the test alert: ${cleanText(reason ?? "", 300)}\n`;
}

function rowLines({ state, severity, summary, sinceWallMs, hushed, channels }: AlertRow): readonly string[] {
  const quiet = hushed === null ? "" : ` (${hushed})`;
  return [
    `${state.padEnd(8)}  ${severity.padEnd(8)}  ${cleanText(summary, 200)}, since ${iso(sinceWallMs)}${quiet}`,
    ...channels.map(({ name, knows, owed }) => {
      const told = knows === null ? "not told yet" : `told that it is ${knows}`;
      const failure = owed?.failure == null ? "" : `: ${cleanText(owed.failure, 200)}`;
      return `    ${cleanText(name, 60)}: ${told}${owed === null ? "" : `, has still to be told that it is ${owed.state}${failure}`}`;
    }),
  ];
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
