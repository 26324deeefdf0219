/**
 * More instances than asked for: a person is told, and nothing is stopped. Only a service that opts into
 * `surplus.action: "trim"` has the surplus stopped, once it has lasted `surplus.after`: old specifications first, then
 * unhealthy ones, then those on the most crowded host, then the newest. Never a Redis master.
 */
import type { Hold } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";
import { stopInstance } from "../stop.ts";
import { victims } from "../victims.ts";

const RULE = "trim-surplus";

export function trimSurplus(situation: Situation): Proposal {
  const { stock, service, memory, nowMs, observed } = situation;
  if (stock.surplus === 0 || observed.binding.kind !== "known") return nothing;
  const evidence = `${service.count + stock.surplus} instances where ${service.count} are asked for`;
  const hold = (heldBy: string, reason: string, untilMs: number | null): Hold => ({
    service: service.name,
    because: { rule: RULE, evidence },
    heldBy,
    reason,
    untilMs,
  });
  if (service.surplus.action === "alert") {
    return {
      actions: [],
      holds: [
        hold(
          "surplus-is-alerted",
          'surplus is only alerted: stop what is not needed, raise the count, or set surplus.action to "trim"',
          null,
        ),
      ],
    };
  }
  const dueMs = (memory.surplusSinceMs ?? nowMs) + service.surplus.afterMs;
  if (nowMs < dueMs) {
    return {
      actions: [],
      holds: [hold("surplus-after", `it is trimmed when that has lasted ${service.surplus.afterMs / 1000} s`, dueMs)],
    };
  }
  const binding = observed.binding.value;
  if (binding.kind === "swarm") {
    return {
      actions: [
        {
          kind: "scale-swarm-service",
          service: service.name,
          id: binding.id,
          version: binding.version,
          from: binding.replicas,
          to: service.count,
          because: { rule: RULE, evidence },
        },
      ],
      holds: [],
    };
  }
  const actions = victims(stock.counted, service, stock.surplus).map((one) =>
    stopInstance(service, one, { rule: RULE, evidence: `${evidence}; ${one.instance.container.name} goes first` }),
  );
  return { actions, holds: [] };
}
