import type { Action } from "../../../src/model/action.ts";
import type { ServicePlan } from "../../../src/model/plan.ts";
import { aStanding } from "../../builders/standing.ts";

/** A plan of one service with these waves. */
export function aPlanOf(service: string, waves: readonly (readonly Action[])[]): ServicePlan {
  return {
    service,
    waves,
    holds: [],
    standing: aStanding(service, { status: 2 }),
    needsLook: null,
    lookAgainAtMs: null,
  };
}
