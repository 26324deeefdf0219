import type { Instance, Registration } from "../../model/instance.ts";
import type { HistoryEntry, WhyReport } from "../../model/report.ts";
import { statusWord } from "../../model/status.ts";
import { cleaned } from "./cleaned.ts";
import type { Paint } from "./paint.ts";
import { standingLine, holdLines, indent, plannedLines } from "./service-lines.ts";
import { clockTime } from "./spell.ts";
import { tableText } from "./table.ts";
import { rememberedLines } from "./why-memory.ts";

/** What `heal why` prints, from what was seen to what was done about it. */
export function whyText(given: WhyReport, columns: number | null, paint: Paint): string {
  const report = cleaned(given);
  const { standing } = report;
  const runtime = standing.runtime === "none" ? "nothing runs it" : `runs on ${standing.runtime}`;
  const since = report.since === null ? "" : `, ${statusWord(standing.status)} since ${clockTime(report.since)}`;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["trust", trust(report)],
    ["instances", instances(report, columns, paint)],
    ["hosts that do not answer", pairs(report.silentHosts)],
    ["in Consul without a container", report.ghosts.map(registrationLine)],
    ["in Consul under this name, of others", report.foreign.map(registrationLine)],
    ["planned now", plannedLines([report.planned], paint)],
    ["held now", holdLines(report.holds, report.atMs, paint)],
    ["remembered", rememberedLines(report)],
    ["history, oldest first, times in UTC", report.history.flatMap((entry) => historyLines(entry, paint))],
    ["asked for by", sources(report)],
  ];
  const body = sections.flatMap(([title, lines]) => (lines.length === 0 ? [] : ["", paint.strong(title), ...lines]));
  return `${[standingLine(standing, 0, paint), `${indent}${report.environment}, ${runtime}${since}`, ...body].join("\n")}\n`;
}

function trust({ standing, seenBy }: WhyReport): readonly string[] {
  return [`${indent}${standing.trust}: ${standing.trustReason}`, ...seenBy.map((line) => indent + line)];
}

function instances(report: WhyReport, columns: number | null, paint: Paint): readonly string[] {
  if (report.instances.length === 0) return [`${indent}none was seen`];
  const head = ["NAME", "HOST", "SLOT", "DOCKER", "CONSUL", "ADDRESS", "SAYS"];
  const rows = report.instances.map((instance) => instanceRow(instance, paint));
  const text = tableText(head, rows, columns === null ? null : columns - indent.length, paint);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => indent + line);
}

function instanceRow({ container, registration, current }: Instance, paint: Paint): readonly string[] {
  const docker = container.health === "none" ? container.state : `${container.state}, ${container.health}`;
  const exit = container.state === "exited" && container.exitCode !== null ? ` (${container.exitCode})` : "";
  return [
    container.name,
    container.host,
    container.slot === null ? "" : String(container.slot),
    current ? docker + exit : paint.unsure(`was ${docker}`),
    registration === null ? "not registered" : consulStatus(registration),
    registration === null ? "" : `${registration.address}:${registration.port}`,
    registration === null || registration.status === "passing" ? "" : registration.output,
  ];
}

function consulStatus({ status, nodeStatus, inMaintenance }: Registration): string {
  const node = nodeStatus === "passing" ? "" : `, node ${nodeStatus}`;
  return `${inMaintenance ? "maintenance" : status}${node}`;
}

function registrationLine(registration: Registration): string {
  const { id, node, address, port } = registration;
  return `${indent}${id} on ${node} (${address}:${port}), ${consulStatus(registration)}`;
}

function historyLines({ at, what, why, outcome, detail }: HistoryEntry, paint: Paint): readonly string[] {
  const colour = outcome === "failed" ? paint.bad : outcome === "done" ? paint.good : paint.wary;
  return [
    `${indent}${clockTime(at)}  ${colour(outcome)} ${what}${detail === null || detail === "" ? "" : ` (${detail})`}`,
    ...(why === "" ? [] : [paint.faint(`${indent}  because ${why}`)]),
  ];
}

/** `web.json: count, container`: the file once, with the fields that it gave. */
function sources({ sources, service }: WhyReport): readonly string[] {
  const prefix = `services.${service}`;
  const files = new Map<string, string[]>();
  for (const [path, file] of Object.entries(sources)) {
    const fields = files.get(file) ?? [];
    if (path.startsWith(`${prefix}.`)) fields.push(path.slice(prefix.length + 1));
    files.set(file, fields);
  }
  return [...files].map(([file, fields]) => `${indent}${file}${fields.length === 0 ? "" : `: ${fields.join(", ")}`}`);
}

function pairs(record: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(record).map(([name, text]) => `${indent}${name}: ${text}`);
}
