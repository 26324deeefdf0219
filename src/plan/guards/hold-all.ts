import type { Action } from "../../model/action.ts";
import type { Proposal } from "../situation.ts";

/** Turns those actions of a proposal that `which` picks into holds with one reason. */
export function holdAll(
  proposal: Proposal,
  heldBy: string,
  reason: string,
  untilMs: number | null,
  which: (action: Action) => boolean = () => true,
): Proposal {
  const held = proposal.actions.filter(which);
  if (held.length === 0) return proposal;
  return {
    actions: proposal.actions.filter((action) => !held.includes(action)),
    holds: [...proposal.holds, ...held.map(({ service, because }) => ({ service, because, heldBy, reason, untilMs }))],
  };
}
