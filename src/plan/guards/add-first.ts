/**
 * A pass that adds instances takes none away, and one that fills what is missing replaces nothing: first the service is
 * whole again, then it is mended, then it is tidied.
 */
import type { Action } from "../../model/action.ts";
import { isDestructive, isRedisAction } from "../../model/action.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export function guardAddFirst(proposal: Proposal): Proposal {
  const adding = proposal.actions.filter(isAdding);
  if (adding.length === 0) return proposal;
  const isFilling = adding.some((action) => !isReplacement(action));
  return holdAll(
    proposal,
    "add-first",
    "what is missing is started first; this follows",
    null,
    (action) => isTakingAway(action) || (isFilling && isReplacement(action)),
  );
}

function isAdding(action: Action): boolean {
  return !isDestructive(action) && action.kind !== "register-instance" && !isRedisAction(action);
}

/** It is started in the place of one that runs and is not well. */
export function isReplacement({ kind, because }: Action): boolean {
  return kind === "start-instance" && because.rule === RULE.replaceUnhealthy;
}

/** Ghosts are nobody's instances, and roles are none. */
function isTakingAway(action: Action): boolean {
  return isDestructive(action) && action.kind !== "deregister-instance" && !isRedisAction(action);
}
