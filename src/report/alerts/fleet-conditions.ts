import type { AlertCondition, AlertFacts, Conditions } from "../../model/alert.ts";
import { cleanText } from "../../model/clean-text.ts";
import { formatProblem } from "../../model/problem.ts";
import { UNKNOWN } from "../../model/status.ts";
import { alertKey, command, condition, DEFAULT_ROUTE, routeOf } from "./condition.ts";
import { UNKNOWN_WAIT_MS } from "./service-conditions.ts";
import { listed, named, quantity, said } from "./wording.ts";

/** What concerns the environment as a whole, each told once for all services. */
export function fleetConditions(facts: AlertFacts): Conditions {
  const unclear = facts.leadership.kind === "unknown" ? [alertKey(facts, "leaderless", facts.environment)] : [];
  const notLookedAt = Object.values(facts.services).some(({ standing }) => standing === null);
  if (notLookedAt) unclear.push(alertKey(facts, "blind", facts.environment));
  return {
    holding: [
      blind(facts),
      freeze(facts),
      desiredStateInvalid(facts),
      leaderless(facts),
      ...facts.setAside.map((one) => memorySetAside(facts, one)),
    ].filter((one) => one !== null),
    unclear,
  };
}

/** Half of the services and at least two: then it is the source that is out of sight, not they. */
function blind(facts: AlertFacts): AlertCondition | null {
  const looked = Object.entries(facts.services).filter(([, { standing }]) => standing !== null);
  const lost = looked.filter(([, { standing }]) => standing?.trust === "blind");
  if (lost.length < 2 || lost.length * 2 < looked.length) return null;
  const names = lost.map(([name]) => name);
  const reasons = mostCommon(lost.map(([, { standing }]) => said(standing?.trustReason ?? "")));
  return condition(facts, {
    kind: "blind",
    subject: facts.environment,
    severity: "critical",
    services: names,
    routes: [DEFAULT_ROUTE, ...names.map((name) => routeOf(facts, name))],
    causes: allHostsSilent(facts),
    sinceMs: Math.min(
      ...lost.map(([, { memory }]) => (memory.status === UNKNOWN ? memory.statusSinceMs : facts.nowMs)),
    ),
    waitMs: UNKNOWN_WAIT_MS,
    summary: `cannot see: ${lost.length} of ${quantity(looked.length, "service")} cannot be judged`,
    what: `heal cannot tell how ${lost.length} of ${quantity(looked.length, "service")} stand: ${reasons[0] ?? "no answer"}`,
    doing: "Starts and stops nothing of them until it can see again; what runs goes on running.",
    advice: [
      "Look at Consul first: `consul members`, `consul operator raft list-peers`, and heal's own token.",
      `${command(facts, "status")} shows which services cannot be judged, and why.`,
    ],
    evidence: [...reasons.slice(0, 4), `services: ${listed(names, 8)}`],
  });
}

function freeze(facts: AlertFacts): AlertCondition | null {
  const sinceMs = facts.fleet.frozenSinceMs;
  if (sinceMs === null) return null;
  const hit = Object.entries(facts.services).filter(([, { standing }]) => (standing?.unhealthy ?? 0) > 0);
  const names = hit.map(([name]) => name);
  return condition(facts, {
    kind: "freeze",
    subject: facts.environment,
    severity: "critical",
    services: names,
    routes: [DEFAULT_ROUTE, ...names.map((name) => routeOf(facts, name))],
    sinceMs,
    summary: `frozen: the health checks look sick, not the ${quantity(names.length, "service")}`,
    what: `most of the fleet turned critical at once while Docker says that it runs: ${listed(names, 8)}`,
    doing:
      "Replaces and stops nothing for bad health until the picture is believable; what is really missing is still started.",
    advice: [
      "Look at what checks, not at what is checked: Consul agents, their clocks and load, the network between agents and containers.",
      `${command(facts, "status")} shows the services; look at one of them directly to see who is right.`,
    ],
    evidence: hit.slice(0, 6).map(([name, { standing }]) => `${named(name)}: ${said(standing?.summary ?? "")}`),
  });
}

function desiredStateInvalid(facts: AlertFacts): AlertCondition | null {
  const trouble = facts.desiredState;
  if (trouble === null) return null;
  const files = [...new Set(trouble.problems.map(({ file }) => file))];
  const errors = quantity(trouble.problems.length, "error");
  return condition(facts, {
    kind: "desired-state-invalid",
    subject: facts.environment,
    severity: trouble.lastGoodInForce ? "warning" : "critical",
    services: [],
    routes: [DEFAULT_ROUTE],
    sinceMs: trouble.sinceMs,
    summary: `desired state: ${errors} in ${files.length === 1 ? named(files[0] ?? "") : quantity(files.length, "file")}`,
    what: `the desired state has ${errors} (${listed(files, 3)})`,
    doing: trouble.lastGoodInForce
      ? "Goes on with the last good state; none of the changes since then is in force."
      : "Nothing: it has never had a valid state to work from.",
    advice: [
      `${command(facts, "validate")} lists every error with its place; once the files are right they are taken at once.`,
    ],
    evidence: trouble.problems.slice(0, 8).map((problem) => cleanText(formatProblem(problem), 200)),
  });
}

function leaderless(facts: AlertFacts): AlertCondition | null {
  const { leadership } = facts;
  if (leadership.kind !== "leaderless") return null;
  return condition(facts, {
    kind: "leaderless",
    subject: facts.environment,
    severity: "critical",
    services: [],
    routes: [DEFAULT_ROUTE],
    sinceMs: leadership.sinceMs,
    summary: "no heal daemon leads, so nothing is healed",
    what: `no heal daemon leads the environment ${named(facts.environment)}: ${said(leadership.reason)}`,
    doing: "Tries to take the lead; running services are not affected, but what fails now stays down.",
    advice: [
      "Look at Consul first (the lead is a lock in its key-value store): `consul members`, `consul operator raft list-peers`.",
      "Look at the daemons: `systemctl status heal` and their logs on each machine they run on.",
    ],
    evidence: [said(leadership.reason)],
  });
}

function memorySetAside(facts: AlertFacts, one: AlertFacts["setAside"][number]): AlertCondition {
  return condition(facts, {
    kind: "memory-set-aside",
    subject: one.key,
    severity: "warning",
    services: [],
    routes: [DEFAULT_ROUTE],
    sinceMs: one.sinceMs,
    waitMs: 0,
    summary: `memory ${named(one.key)} could not be read and was set aside`,
    what: `what heal remembered under ${named(one.key)} could not be read`,
    doing: "Has kept it under another name and begun anew there: back-offs and counts of it start from nothing.",
    advice: [
      "If a newer heal wrote it, finish the upgrade; else look at what was kept in Consul's key-value store and remove it.",
    ],
    evidence: [said(one.reason)],
  });
}

function allHostsSilent(facts: AlertFacts): readonly string[] {
  const hosts = Object.entries(facts.hosts);
  const silent = hosts.filter(([, { observation }]) => observation.silentSinceMs !== null);
  return hosts.length > 0 && silent.length === hosts.length
    ? silent.map(([name]) => alertKey(facts, "host-lost", name))
    : [];
}

/** Each different text once, the most frequent first. */
function mostCommon(texts: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts.entries()].sort(([, a], [, b]) => b - a).map(([text]) => text);
}
