/** A pass that adds instances takes none away: first the service is whole again, then it is tidied. */
import type { Action } from "../../model/action.ts";
import { isDestructive, isRedisAction } from "../../model/action.ts";
import type { Proposal } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export function guardAddFirst(proposal: Proposal): Proposal {
  if (!proposal.actions.some(isAdding)) return proposal;
  return holdAll(proposal, "add-first", "what is missing is started first; this follows", null, isTakingAway);
}

function isAdding(action: Action): boolean {
  return !isDestructive(action) && action.kind !== "register-instance" && !isRedisAction(action);
}

/** Ghosts are nobody's instances, and roles are none. */
function isTakingAway(action: Action): boolean {
  return isDestructive(action) && action.kind !== "deregister-instance" && !isRedisAction(action);
}
