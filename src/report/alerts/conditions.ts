import type { AlertCondition, AlertFacts, Conditions } from "../../model/alert.ts";
import { fleetConditions } from "./fleet-conditions.ts";
import { hostConditions } from "./host-conditions.ts";
import { redisConditions } from "./redis-conditions.ts";
import { serviceConditions } from "./service-conditions.ts";

/**
 * What a person may have to be told, judged from one pass's facts. Which of it is told, and when, is for
 * `advanceAlerts`. What cannot be judged now (a service nobody could look at) comes back as `unclear`, never as over.
 */
export function conditionsFrom(facts: AlertFacts): Conditions {
  const parts = [fleetConditions(facts), hostConditions(facts), ...serviceConditions(facts), ...redisConditions(facts)];
  return {
    holding: raiseCauses(parts.flatMap(({ holding }) => holding)),
    unclear: parts.flatMap(({ unclear }) => unclear),
  };
}

/**
 * A cause is told in place of its effects, so it is as severe as the worst of them and waits no longer: otherwise a
 * warning that sleeps through quiet hours could hide an outage.
 */
function raiseCauses(conditions: readonly AlertCondition[]): readonly AlertCondition[] {
  const critical = new Set<string>();
  for (const { severity, causes } of conditions)
    if (severity === "critical") for (const key of causes) critical.add(key);
  return conditions.map((one) =>
    critical.has(one.key) && one.severity === "warning" ? { ...one, severity: "critical", waitMs: null } : one,
  );
}
