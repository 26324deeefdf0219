import type { AlertCondition, AlertFacts, AlertKind } from "../../model/alert.ts";
import { visibleText } from "../../model/clean-text.ts";
import { named } from "./wording.ts";

/** The route that takes what no other is named for. */
export const DEFAULT_ROUTE = "default";

/** `<environment>/<kind>/<subject>`. */
export function alertKey(facts: Pick<AlertFacts, "environment">, kind: AlertKind, subject: string): string {
  return `${named(facts.environment)}/${kind}/${named(subject)}`;
}

/** The route a service's own alerts go by. */
export function routeOf(facts: AlertFacts, service: string): string {
  return facts.services[service]?.service.alerts.route ?? DEFAULT_ROUTE;
}

/** `heal why web`, in the form that a message sets commands in. */
export function command(facts: Pick<AlertFacts, "commandSuffix">, words: string): string {
  return `\`heal ${words}${facts.commandSuffix}\``;
}

/**
 * Makes a condition whole and holds it to its limits, so that all of them together fit into one key of Memory. Its
 * texts are built from parts that were cleaned one by one; here they are cut, and what was forgotten is made up for.
 */
export function condition(
  facts: AlertFacts,
  parts: Omit<AlertCondition, "key" | "causes" | "waitMs" | "subject"> &
    Partial<Pick<AlertCondition, "causes" | "waitMs">> & { readonly subject: string },
): AlertCondition {
  return {
    key: alertKey(facts, parts.kind, parts.subject),
    kind: parts.kind,
    subject: named(parts.subject),
    severity: parts.severity,
    services: parts.services.slice(0, SERVICES_MAX).map(named),
    routes: [...new Set(parts.routes)].slice(0, ROUTES_MAX),
    causes: parts.causes ?? [],
    // A time of another clock may lie ahead: nothing has been so since tomorrow.
    sinceMs: Math.min(parts.sinceMs, facts.nowMs),
    waitMs: parts.waitMs ?? null,
    summary: visibleText(parts.summary, 120),
    what: visibleText(parts.what, 260),
    doing: visibleText(parts.doing, 260),
    advice: parts.advice.slice(0, 4).map((line) => visibleText(line, 200)),
    evidence: parts.evidence.slice(0, 8).map((line) => visibleText(line, 200)),
  };
}

const SERVICES_MAX = 40;
const ROUTES_MAX = 10;
