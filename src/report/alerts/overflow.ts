import type { AlertCondition } from "../../model/alert.ts";
import { alertKey } from "./condition.ts";
import { listed, quantity } from "./wording.ts";

/** One condition that stands for all those beyond the number that is told apart; null when there are none. */
export function overflowOf(environment: string, rest: readonly AlertCondition[], nowMs: number): AlertCondition | null {
  if (rest.length === 0) return null;
  const more = quantity(rest.length, "more alert");
  return {
    key: alertKey({ environment }, "overflow", "alerts"),
    kind: "overflow",
    subject: "alerts",
    severity: rest.some(({ severity }) => severity === "critical") ? "critical" : "warning",
    services: [],
    routes: [...new Set(rest.flatMap(({ routes }) => routes))].slice(0, 10),
    causes: [],
    sinceMs: Math.min(nowMs, ...rest.map(({ sinceMs }) => sinceMs)),
    waitMs: null,
    summary: `${more} than are told one by one`,
    what: `there are ${more} than are told one by one`,
    doing: "Looks after every service all the same; only the telling is limited.",
    advice: ["`heal status` shows all services."],
    evidence: [
      `about: ${listed(
        rest.map(({ subject }) => subject),
        8,
      )}`,
    ],
  };
}
