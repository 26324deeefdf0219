/**
 * What `heal` stops never takes the healthy instances below the count, less what the service says it can spare. A
 * superseded instance is not counted, and so is free to go; Swarm chooses itself whom a smaller number costs, so the
 * healthy ones are taken for it. While fewer than needed are known to be healthy, nobody goes who may serve all the same:
 * who starts, is not listed, or fails a check for a moment.
 */
import type { Action } from "../../model/action.ts";
import { patienceMs } from "../patience.ts";
import { isLive } from "../same-slot.ts";
import type { Proposal, Situation } from "../situation.ts";
import type { Counted } from "../stock.ts";
import { holdAll } from "./hold-all.ts";

export function guardAvailability(situation: Situation, proposal: Proposal): Proposal {
  if (proposal.actions.length === 0) return proposal;
  const { service, stock } = situation;
  let spare = stock.healthy - Math.max(0, service.count - service.healing.maxUnavailable);
  const isMissed = (one: Counted): boolean => isHealthy(one) || (spare < 0 && mayServe(situation, one));
  const costs = new Map(stock.counted.map((one) => [one.instance.container.id, isMissed(one) ? 1 : 0]));
  const tooMany = new Set<Action>();
  for (const action of proposal.actions) {
    const cost = costOf(action, costs);
    if (cost === 0) continue;
    if (cost > spare) tooMany.add(action);
    else spare -= cost;
  }
  return holdAll(
    proposal,
    "availability",
    `only ${stock.healthy} of ${service.count} are healthy, and ${service.healing.maxUnavailable} may be missing`,
    null,
    (action) => tooMany.has(action),
  );
}

function isHealthy({ condition, superseded }: Counted): boolean {
  return condition === "healthy" && !superseded;
}

function mayServe({ service, nowMs }: Situation, one: Counted): boolean {
  if (one.superseded || !isLive(one)) return false;
  const isGivenUp = nowMs - (one.notPassingSinceMs ?? nowMs) >= patienceMs(service, one.instance);
  return one.condition !== "unhealthy" || !isGivenUp;
}

function costOf(action: Action, costs: ReadonlyMap<string, number>): number {
  switch (action.kind) {
    case "stop-instance":
    case "remove-instance":
    case "replace-swarm-task":
      return costs.get(action.containerId) ?? 0;
    case "scale-swarm-service":
    case "scale-compose-service":
      return Math.max(0, action.from - action.to);
    default:
      return 0;
  }
}
