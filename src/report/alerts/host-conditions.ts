import type { AlertCondition, AlertFacts, Conditions, HostFacts } from "../../model/alert.ts";
import { utf8Bytes } from "../../model/clean-text.ts";
import { CRITICAL } from "../../model/status.ts";
import { goneSinceMs } from "./causes.ts";
import { alertKey, command, condition, DEFAULT_ROUTE, routeOf } from "./condition.ts";
import { listed, named, quantity, said, shellWord } from "./wording.ts";

/** A silent engine behind a living node may be a restart of dockerd: told later than a host that is gone. */
const SILENT_WAIT_MS = 120_000;

/** A host that does not answer, from its first silence on: it explains what its services miss before it counts as lost. */
export function hostConditions(facts: AlertFacts): Conditions {
  const hosts = Object.entries(facts.hosts);
  const notAsked = hosts.filter(
    ([name, host]) => host.observation.engine.kind === "unknown" && goneSinceMs(facts, name, host) === null,
  );
  return {
    holding: hosts.map(([name, host]) => gone(facts, name, host)).filter((one) => one !== null),
    unclear: notAsked.map(([name]) => alertKey(facts, "host-lost", name)),
  };
}

function gone(facts: AlertFacts, name: string, host: HostFacts): AlertCondition | null {
  const sinceMs = goneSinceMs(facts, name, host);
  if (sinceMs === null) return null;
  const lost = facts.fleet.lostHosts[name] !== undefined;
  const services = host.carried.map(({ service }) => service);
  const instances = host.carried.reduce((sum, one) => sum + one.instances, 0);
  const load = `${quantity(instances, "instance")} of ${quantity(services.length, "service")}`;
  const bracketed = instances === 0 ? "" : ` (${load})`;
  const withLoad = instances === 0 ? "" : ` with ${load}`;
  const short = services.filter((service) => facts.services[service]?.standing?.status === CRITICAL);
  return condition(facts, {
    kind: "host-lost",
    subject: name,
    severity: lost ? "critical" : "warning",
    services,
    routes: [DEFAULT_ROUTE, ...services.map((service) => routeOf(facts, service))],
    sinceMs,
    waitMs: lost ? null : SILENT_WAIT_MS,
    summary: lost ? `host ${named(name)} is lost${withLoad}` : `host ${named(name)} does not answer${bracketed}`,
    what: lost
      ? `host ${named(name)} is lost${withLoad}`
      : `the Docker engine of host ${named(name)} does not answer, so ${instances === 0 ? "nothing there can be looked after" : `${quantity(instances, "instance")} there cannot be looked after`}`,
    doing: doing(lost, services.length, short.length),
    advice: [
      `Look at ${named(name)} itself: power, network, \`systemctl status docker\`.`,
      `${command(facts, "status")} shows which services are short of instances now.`,
      `${command(facts, `silence ${shellWord(name)} --for 2h --why "…"`)} keeps this quiet if it is down on purpose.`,
    ],
    evidence: [...witnesses(host), ...carriedLines(host), ...shortLines(short)],
  });
}

function doing(lost: boolean, carried: number, short: number): string {
  if (!lost)
    return "Replaces nothing yet: only when a second source agrees that the host is gone are its instances replaced.";
  if (carried === 0) return "Nothing has to be replaced.";
  if (short === 0) return "Has replaced what ran there: every service of it has the healthy instances it asks for.";
  return `Starts what ran there on the other hosts; ${quantity(short, "service")} ${short === 1 ? "is" : "are"} not whole yet. If the host returns, what was replaced is removed from it.`;
}

function witnesses({ observation }: HostFacts): readonly string[] {
  const { engine, node, swarmNode } = observation;
  const swarm =
    swarmNode === null ? "" : `; Swarm says: ${swarmNode.kind === "known" ? swarmNode.value : said(swarmNode.reason)}`;
  return [
    `Docker: ${engine.kind === "known" ? "answers again" : said(engine.reason)}`,
    `Consul says of the node: ${node.kind === "known" ? node.value : said(node.reason)}${swarm}`,
  ];
}

/** Names all of forty, if their names are of usual length, in a few lines. */
function carriedLines({ carried }: HostFacts): readonly string[] {
  // More than so many do not fit into the lines, however short.
  const words = carried
    .slice(0, 200)
    .map(({ service, instances }) => named(service) + (instances === 1 ? "" : ` (${instances})`));
  const lines: string[] = [];
  let line = "";
  let told = 0;
  for (const word of words) {
    const longer = line === "" ? `ran there: ${word}` : `${line}, ${word}`;
    if (utf8Bytes(longer) <= LINE_BYTES_MAX) line = longer;
    else if (lines.length === CARRIED_LINES_MAX - 1) break;
    else {
      lines.push(line);
      line = word;
    }
    told += 1;
  }
  const rest = carried.length - told;
  return [...lines, line + (rest > 0 ? ` and ${rest} more` : "")].filter((one) => one !== "");
}

const LINE_BYTES_MAX = 180;
const CARRIED_LINES_MAX = 5;

function shortLines(short: readonly string[]): readonly string[] {
  return short.length === 0 ? [] : [`not whole yet: ${listed(short, 8)}`];
}
