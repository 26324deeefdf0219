import type { ControllerReport, ServiceReport, StatusReport } from "../../model/report.ts";
import type { Status } from "../../model/status.ts";
import { statusWord } from "../../model/status.ts";
import { cleaned } from "./cleaned.ts";
import type { Paint } from "./paint.ts";
import { byStatus, statusLabel } from "./paint.ts";
import { ago, counted, spelled } from "./spell.ts";
import { tableText } from "./table.ts";

/** What `heal status` prints; `columns` is the terminal's width, null for what is no terminal. */
export function statusText(given: StatusReport, columns: number | null, paint: Paint): string {
  const report = cleaned(given);
  return [
    heading(report, paint),
    ...report.troubles.map((trouble) => `${paint.bad("!")} ${trouble}\n`),
    ...silentHosts(report).map((line) => `${paint.unsure("?")} ${line}\n`),
    report.services.length === 0 ? "" : `\n${table(report, columns, paint)}`,
  ].join("");
}

function heading({ environment, services, controller, at }: StatusReport, paint: Paint): string {
  const counts = [3, 2, 1, 0].flatMap((status) => {
    const count = services.filter(({ standing }) => standing.status === status).length;
    return count === 0 ? [] : [byStatus(paint, status as Status)(`${count} ${statusWord(status as Status)}`)];
  });
  const tally = counts.length === 0 ? "" : `: ${counts.join(", ")}`;
  return `${paint.strong(environment)}  ${counted(services.length, "service")}${tally}\n${paint.faint(who(controller, at))}\n`;
}

function who({ role, leader, since, version }: ControllerReport, at: string): string {
  switch (role) {
    case "one-shot":
      return `no daemon was asked: looked just now (heal ${version})`;
    case "shadow":
      return `answered by a daemon in shadow mode, which does not act, started ${ago(since, at)} (heal ${version})`;
    case "leader":
      return `answered by the leading daemon, leader since ${ago(since, at)} (heal ${version})`;
    case "follower":
      return `answered by a daemon that follows ${leader ?? "no leader"} (heal ${version})`;
    case "suspended":
      return `answered by a daemon that is suspended until it has looked afresh (heal ${version})`;
  }
}

function silentHosts({ hosts }: StatusReport): readonly string[] {
  return hosts.flatMap(({ name, engine }) =>
    engine.kind === "unknown" ? [`host ${name} does not answer: ${engine.reason}`] : [],
  );
}

function table({ services, at }: StatusReport, columns: number | null, paint: Paint): string {
  const head = ["SERVICE", "RUNTIME", "STATUS", "HEALTHY", "STARTING", "SURPLUS", "BACK-OFF", "LAST ACTION AND WHY"];
  return tableText(
    head,
    services.map((service) => row(service, at, paint)),
    columns,
    paint,
  );
}

function row(report: ServiceReport, at: string, paint: Paint): readonly string[] {
  const { standing, paused } = report;
  return [
    paint.strong(report.service),
    standing.runtime,
    statusLabel(standing.status, paint).trimEnd() + (paused === null ? "" : paint.wary(" paused")),
    `${standing.healthy}/${standing.desired}`,
    some(standing.starting),
    some(standing.surplus),
    backOff(report, at),
    lastAction(report, at),
  ];
}

function some(count: number): string {
  return count === 0 ? "" : String(count);
}

function backOff({ backOffUntil, standing }: ServiceReport, at: string): string {
  const leftMs = backOffUntil === null ? 0 : Date.parse(backOffUntil) - Date.parse(at);
  const parts = [leftMs > 0 ? `${spelled(leftMs)} left` : "", standing.quarantined > 0 ? "quarantine" : ""];
  return parts.filter((part) => part !== "").join(", ");
}

/** What was done last; for a service in trouble that nothing is done about, what holds it. */
function lastAction({ lastAction, holds, standing, paused }: ServiceReport, at: string): string {
  if (paused !== null)
    return `paused${paused.until === null ? "" : ` for another ${untilText(paused.until, at)}`}: ${paused.why}`;
  const hold = holds[0];
  if (standing.status >= 2 && standing.starting === 0 && hold !== undefined)
    return `held by ${hold.heldBy}: ${hold.reason}`;
  if (standing.status === 3) return standing.trustReason;
  if (lastAction === null) return "";
  const outcome = lastAction.outcome === "done" ? "" : `${lastAction.outcome}: `;
  return `${ago(lastAction.at, at)}: ${outcome}${lastAction.what}, because ${lastAction.why}`;
}

function untilText(until: string, at: string): string {
  return spelled(Date.parse(until) - Date.parse(at));
}
