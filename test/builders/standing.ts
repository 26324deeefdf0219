import type { Standing } from "../../src/model/plan.ts";

/** How a service stands; well, with as many healthy as are wanted, unless told. */
export function aStanding(service: string, changes: Partial<Standing> = {}): Standing {
  const { desired = 3, healthy = desired } = changes;
  return {
    service,
    status: 0,
    trust: "trusted",
    trustReason: "Consul and Docker answered and agree",
    runtime: "engine",
    desired,
    healthy,
    starting: 0,
    unhealthy: 0,
    unknown: 0,
    surplus: 0,
    quarantined: 0,
    backingOff: 0,
    summary: `${healthy}/${desired} healthy`,
    ...changes,
  };
}
