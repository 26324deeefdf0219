import type { Action } from "../../../src/model/action.ts";
import type { ServicePlan } from "../../../src/model/plan.ts";

/** A plan of one service with these waves. */
export function aPlanOf(service: string, waves: readonly (readonly Action[])[]): ServicePlan {
  return {
    service,
    waves,
    holds: [],
    standing: {
      service,
      status: 2,
      trust: "trusted",
      trustReason: "",
      runtime: "engine",
      desired: 0,
      healthy: 0,
      starting: 0,
      unhealthy: 0,
      unknown: 0,
      surplus: 0,
      quarantined: 0,
      backingOff: 0,
      summary: "",
    },
    needsLook: null,
    lookAgainAtMs: null,
  };
}
