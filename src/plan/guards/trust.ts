/**
 * Unknown is not absent. A blind observation allows nothing; a suspect one nothing until enough consistent reads agree;
 * and whatever takes something away needs one consistent look at both sources first.
 */
import { isDestructive } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export interface Guarded {
  readonly proposal: Proposal;
  readonly needsLook: "consistent" | null;
}

export function guardTrust(situation: Situation, proposal: Proposal): Guarded {
  const { trust, observed, service } = situation;
  if (trust.trust === "blind") {
    return { proposal: holdAll(proposal, "blind", `cannot tell: ${trust.reason}`, null), needsLook: null };
  }
  if (trust.trust === "suspect") {
    return {
      proposal: holdAll(proposal, "suspect", `${trust.reason}; waiting for consistent reads that agree`, null),
      needsLook: "consistent",
    };
  }
  const looked = observed.freshRuntime && (observed.consistency === "consistent" || service.consul === null);
  if (looked || !proposal.actions.some(isDestructive)) return { proposal, needsLook: null };
  return {
    proposal: holdAll(proposal, "consistent-look", "nothing is taken away before one consistent look", null),
    needsLook: "consistent",
  };
}
