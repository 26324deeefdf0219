import type { AlertCondition, AlertFacts, ServiceFacts } from "../../model/alert.ts";
import { CRITICAL, PASSING } from "../../model/status.ts";
import { alertKey, command, condition, routeOf } from "./condition.ts";
import { silenceAdvice } from "./service-texts.ts";
import { actionPhrase, named, quantity, said, shellWord } from "./wording.ts";

/** Slots that `heal` has given up on for a while. */
export function quarantine(facts: AlertFacts, name: string, service: ServiceFacts): AlertCondition | null {
  const slots = Object.entries(service.memory.slots).filter(
    ([slot, memory]) => memory.quarantinedAtMs !== null && Number(slot) <= service.service.count,
  );
  if (slots.length === 0) return null;
  const numbers = slots.map(([slot]) => slot).join(", ");
  const short = service.standing?.status === CRITICAL;
  return condition(facts, {
    kind: "quarantine",
    subject: name,
    severity: short ? "critical" : "warning",
    services: [name],
    routes: [routeOf(facts, name)],
    causes: [alertKey(facts, "action-failed", name)],
    sinceMs: Math.min(...slots.map(([, memory]) => memory.quarantinedAtMs ?? facts.nowMs)),
    waitMs: 0,
    summary: `${named(name)}: slot ${numbers} keeps failing${short ? ` (${said(service.standing.summary)})` : ""}`,
    what: `slot ${numbers} of ${named(name)} has failed again and again and is set aside`,
    doing: `Tries ${slots.length === 1 ? "it" : "them"} again only rarely, so as not to start and lose containers all night; the other slots are looked after as ever.`,
    advice: [
      `${command(facts, `why ${shellWord(name)}`)} shows the failures and the last output of the containers.`,
      `Once the cause is mended (image, configuration, what it depends on), the next try succeeds and this ends by itself.`,
      silenceAdvice(facts, name),
    ],
    evidence: slots.map(([slot, memory]) => {
      const hosts = memory.failedHosts.length === 0 ? "" : ` on ${memory.failedHosts.map(named).join(", ")}`;
      const last = memory.backOff === null ? "" : `; last: ${said(memory.backOff.because)}`;
      return `slot ${slot}: ${quantity(memory.failuresAtMs.length, "failure")}${hosts}${last}`;
    }),
  });
}

/** What the last pass tried and the answer says not to try again. */
export function actionFailed(facts: AlertFacts, name: string, service: ServiceFacts): AlertCondition | null {
  if (service.acted === null || service.standing?.status === PASSING) return null;
  const failed = service.acted.results
    .filter((result) => result.kind === "failed")
    .filter(({ retry }) => retry === "never");
  const first = failed[0];
  if (first === undefined) return null;
  return condition(facts, {
    kind: "action-failed",
    subject: name,
    severity: service.standing?.status === CRITICAL ? "critical" : "warning",
    services: [name],
    routes: [routeOf(facts, name)],
    sinceMs: service.acted.atMs,
    waitMs: 0,
    summary: `${named(name)}: cannot ${actionPhrase(first.action)}`,
    what: `heal cannot ${actionPhrase(first.action)}: ${said(first.message)}`,
    doing: "Does not repeat it: the answer says that trying again would not help.",
    advice: [
      `Mend what the message names, then ${command(facts, shellWord(name))} tries again at once.`,
      `${command(facts, `why ${shellWord(name)}`)} shows the whole story.`,
      silenceAdvice(facts, name),
    ],
    evidence: [
      ...failed.map(({ action, message }) => `${actionPhrase(action)}: ${said(message)}`),
      `why it was wanted: ${said(first.action.because.evidence)}`,
    ],
  });
}
