/** A pass that adds instances takes none away: first the service is whole again, then it is tidied. */
import { isDestructive } from "../../model/action.ts";
import type { Proposal } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export function guardAddFirst(proposal: Proposal): Proposal {
  const adds = proposal.actions.some((action) => !isDestructive(action) && action.kind !== "register-instance");
  if (!adds) return proposal;
  return holdAll(proposal, "add-first", "what is missing is started first; this follows", null, isDestructive);
}
