/**
 * More instances than asked for: a person is told, and nothing is stopped. Only a service that opts into
 * `surplus.action: "trim"` has the surplus stopped, once it has lasted `surplus.after`: what was started by hand and old
 * specifications first, then unhealthy ones, then those on the most crowded host, then the newest. Never a Redis master.
 */
import type { Binding } from "../../model/observation.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { bindingOf, holdBack, nothing, onlyAction, onlyHold } from "../situation.ts";
import { stopInstance } from "../stop.ts";
import { victims } from "../victims.ts";

export function trimSurplus(situation: Situation): Proposal {
  const { stock, service, memory, nowMs } = situation;
  const binding = bindingOf(situation);
  if (stock.surplus === 0 || binding === null) return nothing;
  const evidence = `${service.count + stock.surplus} instances where ${service.count} are asked for`;
  const because = { rule: RULE.trimSurplus, evidence };
  if (service.surplus.action === "alert") {
    const reason = 'surplus is only alerted: stop what is not needed, raise the count, or set surplus.action to "trim"';
    return onlyHold(holdBack(situation, because, "surplus-is-alerted", reason));
  }
  const dueMs = (memory.surplusSinceMs ?? nowMs) + service.surplus.afterMs;
  if (nowMs < dueMs) {
    const reason = `it is trimmed when that has lasted ${service.surplus.afterMs / 1000} s`;
    return onlyHold(holdBack(situation, because, "surplus-after", reason, dueMs));
  }
  if (binding.kind === "swarm") return scaleDown(situation, binding, evidence);
  const actions = victims(situation, stock.surplus).map((one) =>
    stopInstance(situation, one, { ...because, evidence: `${evidence}; ${one.instance.container.name} goes first` }),
  );
  return { actions, holds: [] };
}

function scaleDown(situation: Situation, binding: Extract<Binding, { kind: "swarm" }>, evidence: string): Proposal {
  const { service, memory } = situation;
  const because = { rule: RULE.trimSurplus, evidence };
  if (binding.updating) {
    const reason = "an update of the service is running; scaling now would mix versions";
    return onlyHold(holdBack(situation, because, "updating", reason));
  }
  if (memory.inFlight.some(({ kind }) => kind === "scale")) {
    return onlyHold(holdBack(situation, because, "in-flight", "its scaling is on its way"));
  }
  return onlyAction({
    kind: "scale-swarm-service",
    service: service.name,
    id: binding.id,
    version: binding.version,
    from: binding.replicas,
    to: service.count,
    because,
  });
}
