import type { AlertCondition, AlertFacts, Conditions, ServiceFacts } from "../../model/alert.ts";
import type { Standing } from "../../model/plan.ts";
import { CRITICAL, PASSING, UNKNOWN } from "../../model/status.ts";
import { causesOf } from "./causes.ts";
import { alertKey, command, condition, routeOf } from "./condition.ts";
import { actionFailed, quarantine } from "./failure-conditions.ts";
import { evidenceOf, silenceAdvice } from "./service-texts.ts";
import { named, quantity, said, shellWord } from "./wording.ts";
import { whatHealDoes } from "./what-heal-does.ts";

/** Consul elects a new leader in less: a shorter gap in sight is not worth telling. */
export const UNKNOWN_WAIT_MS = 60_000;

/** One entry per service: below count, surplus, quarantine, an action that failed for good, and not to be judged. */
export function serviceConditions(facts: AlertFacts): readonly Conditions[] {
  return Object.entries(facts.services).map(([name, service]) => conditionsOf(facts, name, service));
}

function conditionsOf(facts: AlertFacts, name: string, service: ServiceFacts): Conditions {
  const { standing } = service;
  const always = [quarantine(facts, name, service), actionFailed(facts, name, service)];
  const judged = standing === null || standing.trust === "blind" ? null : standing;
  const seen = judged === null ? [] : [belowCount(facts, name, service, judged), surplus(facts, name, service, judged)];
  const unclear: string[] = [];
  if (judged === null) unclear.push(alertKey(facts, "below-count", name), alertKey(facts, "surplus", name));
  if (standing === null) unclear.push(alertKey(facts, "unknown", name));
  if (service.acted === null && standing?.status !== PASSING) unclear.push(alertKey(facts, "action-failed", name));
  return {
    holding: [...always, ...seen, unknown(facts, name, service)].filter((one) => one !== null),
    unclear,
  };
}

function belowCount(facts: AlertFacts, name: string, service: ServiceFacts, standing: Standing): AlertCondition | null {
  if (standing.status !== CRITICAL) return null;
  const sinceMs = statusSince(facts, service, CRITICAL);
  const missing = Math.max(1, standing.desired - standing.healthy);
  return condition(facts, {
    kind: "below-count",
    subject: name,
    severity: "critical",
    services: [name],
    routes: [routeOf(facts, name)],
    causes: causesOf(facts, name, "below-count", sinceMs),
    sinceMs,
    summary: `${named(name)}: ${missing} of ${standing.desired} missing (${standing.healthy} healthy)`,
    what: `${named(name)} has ${quantity(standing.healthy, "healthy instance")} where ${standing.desired} ${standing.desired === 1 ? "is" : "are"} asked for`,
    doing: whatHealDoes(facts, service, standing),
    advice: [
      `${command(facts, `why ${shellWord(name)}`)} shows what was seen, what was tried and what holds it back.`,
      `${command(facts, `--dry-run ${shellWord(name)}`)} shows what would be done now.`,
      silenceAdvice(facts, name),
    ],
    evidence: evidenceOf(service, standing),
  });
}

function surplus(facts: AlertFacts, name: string, service: ServiceFacts, standing: Standing): AlertCondition | null {
  if (standing.surplus <= 0) return null;
  const { action, afterMs } = service.service.surplus;
  const running = standing.desired + standing.surplus;
  return condition(facts, {
    kind: "surplus",
    subject: name,
    severity: "warning",
    services: [name],
    routes: [routeOf(facts, name)],
    sinceMs: service.memory.surplusSinceMs ?? facts.nowMs,
    waitMs: afterMs,
    summary: `${named(name)}: ${standing.surplus} more than asked for (${running} of ${standing.desired})`,
    what: `${named(name)} runs ${quantity(running, "instance")}, ${standing.surplus} more than the ${standing.desired} asked for`,
    doing:
      action === "trim"
        ? whatHealDoes(facts, service, standing)
        : "Stops nothing: which one is too many is for a person to say.",
    advice: [
      `${command(facts, `why ${shellWord(name)}`)} lists the instances, where they run and who started them.`,
      `Stop what is extra where it was started, or set "count": ${running} for ${named(name)} if it is wanted.`,
      ...(action === "trim" ? [] : [`With "surplus": { "action": "trim" } heal stops such instances itself.`]),
      silenceAdvice(facts, name),
    ],
    evidence: evidenceOf(service, standing),
  });
}

function unknown(facts: AlertFacts, name: string, service: ServiceFacts): AlertCondition | null {
  const { standing } = service;
  if (standing === null || (standing.trust !== "blind" && standing.status !== UNKNOWN)) return null;
  const sinceMs = statusSince(facts, service, UNKNOWN);
  return condition(facts, {
    kind: "unknown",
    subject: name,
    severity: "critical",
    services: [name],
    routes: [routeOf(facts, name)],
    causes: causesOf(facts, name, "unknown", sinceMs),
    sinceMs,
    waitMs: UNKNOWN_WAIT_MS,
    summary: `${named(name)}: cannot tell how it stands`,
    what: `it cannot be told how many instances of ${named(name)} are healthy: ${said(standing.trustReason)}`,
    doing: "Starts and stops nothing of it until it can see again: a guess could make an outage of it.",
    advice: [
      `${command(facts, `why ${shellWord(name)}`)} shows which source does not answer.`,
      `The service itself may be well: look at it directly.`,
      silenceAdvice(facts, name),
    ],
    evidence: evidenceOf(service, standing),
  });
}

function statusSince(facts: AlertFacts, { memory }: ServiceFacts, status: number): number {
  return memory.status === status ? memory.statusSinceMs : facts.nowMs;
}
