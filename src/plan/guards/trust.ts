/**
 * Unknown is not absent. A blind observation allows nothing; a suspect one nothing until enough consistent reads agree.
 * Whatever takes something away needs one consistent look at both sources first, and so does what is started in the
 * place of something that runs: an old answer may still call it unhealthy. A registration is repeated only when several
 * agree that it is missing.
 */
import { isDestructive } from "../../model/action.ts";
import { isReplacement } from "./add-first.ts";
import type { Proposal, Situation } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export interface Guarded {
  readonly proposal: Proposal;
  readonly needsLook: "consistent" | null;
}

export function guardTrust({ trust, observed, tuning }: Situation, proposal: Proposal): Guarded {
  switch (trust.trust) {
    case "blind":
      return { proposal: holdAll(proposal, "blind", `cannot tell: ${trust.reason}`, null), needsLook: null };
    case "suspect": {
      const reason = `${trust.reason}; waiting for consistent reads that agree`;
      return { proposal: holdAll(proposal, "suspect", reason, null), needsLook: "consistent" };
    }
    case "trusted":
      break;
  }
  const hasLooked = observed.freshRuntime && observed.consistency === "consistent";
  const agreed = observed.agreeingReads >= tuning.agreeingReads;
  const looked = hasLooked
    ? proposal
    : holdAll(
        proposal,
        "consistent-look",
        "nothing is taken away or replaced before one consistent look",
        null,
        (action) => isDestructive(action) || isReplacement(action),
      );
  const sure = agreed
    ? looked
    : holdAll(
        looked,
        "agreeing-reads",
        "it is registered anew when consistent reads agree that it is not listed",
        null,
        ({ kind }) => kind === "register-instance",
      );
  return { proposal: sure, needsLook: sure === proposal ? null : "consistent" };
}
