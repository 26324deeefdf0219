import type { Memory, ServiceMemory } from "../model/memory.ts";
import type { Observation, ServiceObservation } from "../model/observation.ts";
import type { Plan, ServicePlan } from "../model/plan.ts";
import { PASSING } from "../model/status.ts";

/**
 * Knows of each service how it stood when it was found well. One that is seen the very same again, and of which nothing
 * else is remembered, would be found well again: planning is a function of what is seen and remembered, and time alone
 * changes nothing of a service that is not due for another look. So most services of a resync need not be planned.
 */
export interface News {
  /** The observation without the services that stand as they did. */
  in(observed: Observation, memory: Memory): Observation;
  planned(decision: { readonly observed: Observation; readonly plan: Plan; readonly memory: Memory }): void;
}

export function openNews(): News {
  const well = new Map<string, { readonly observed: ServiceObservation; readonly memory: ServiceMemory }>();
  return {
    in(observed, memory) {
      const news = Object.entries(observed.services).filter(([name, one]) => {
        const before = well.get(name);
        return before?.observed !== one || before.memory !== memory.services[name];
      });
      return { ...observed, services: Object.fromEntries(news) };
    },
    planned({ observed, plan, memory }) {
      for (const [name, planned] of Object.entries(plan.services)) {
        const [seen, remembered] = [observed.services[name], memory.services[name]];
        if (seen !== undefined && remembered !== undefined && isWell(planned))
          well.set(name, { observed: seen, memory: remembered });
        else well.delete(name);
      }
    },
  };
}

/** Nothing to do, nothing held back, and nothing that becomes due by itself. */
function isWell({ waves, holds, standing, needsLook, lookAgainAtMs }: ServicePlan): boolean {
  const isIdle = waves.length === 0 && holds.length === 0 && needsLook === null && lookAgainAtMs === null;
  return isIdle && standing.status === PASSING && standing.trust === "trusted";
}
