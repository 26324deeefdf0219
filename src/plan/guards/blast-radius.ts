/**
 * A budget on taking away what runs: so many instances within a window, and never more than a share of the fleet. A
 * replacement costs its one when it is decided, though the old instance goes later. Clearing away what has ended or
 * was replaced costs nothing, and what is missing is started without limit.
 */
import type { Action } from "../../model/action.ts";
import type { FleetMemory } from "../../model/memory.ts";
import type { FleetObservation } from "../../model/observation.ts";
import type { Tuning } from "../../model/tuning.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

/** A share of a fleet of a few instances would be none, or one. */
const BUDGET_MIN = 3;

/** What may still be taken away at `nowMs`, and when there will be more if there is nothing left. */
export interface Budget {
  readonly left: number;
  readonly moreAtMs: number | null;
  readonly tuning: Tuning["blastRadius"];
}

export function budgetOf({ stopsAtMs }: FleetMemory, fleet: FleetObservation, tuning: Tuning, nowMs: number): Budget {
  const { stopsPerWindow, windowMs, shareOfFleet } = tuning.blastRadius;
  const recent = stopsAtMs.filter((atMs) => nowMs - atMs < windowMs);
  const most = Math.min(stopsPerWindow, Math.max(BUDGET_MIN, Math.floor(fleet.instances * shareOfFleet)));
  const oldest = recent[0];
  return {
    left: Math.max(0, most - recent.length),
    moreAtMs: oldest === undefined ? null : oldest + windowMs,
    tuning: tuning.blastRadius,
  };
}

/** Lets through what the budget has room for; of a Swarm service that is scaled down, as many tasks as it has room for. */
export function guardBlastRadius(proposal: Proposal, { left, moreAtMs, tuning }: Budget): Proposal {
  if (proposal.actions.length === 0) return proposal;
  const allowed: Action[] = [];
  const over = new Set<Action>();
  let room = left;
  for (const action of proposal.actions) {
    const affordable = cutTo(action, room);
    room -= costOf(affordable);
    if (room < 0) {
      room += costOf(affordable);
      over.add(affordable);
    }
    allowed.push(affordable);
  }
  return holdAll(
    { actions: allowed, holds: proposal.holds },
    "blast-radius",
    `the budget of stops is used up (${tuning.stopsPerWindow} in ${tuning.windowMs / 60_000} min and ${tuning.shareOfFleet * 100} % of the fleet at most)`,
    moreAtMs,
    (action) => over.has(action),
  );
}

/** How many live instances that are not superseded an action takes away, or will in the end. */
export function costOf(action: Action): number {
  const { rule } = action.because;
  switch (action.kind) {
    case "stop-instance":
      return rule === RULE.replaceUnhealthy || rule === RULE.trimSurplus ? 1 : 0;
    case "start-instance":
      return rule === RULE.replaceUnhealthy ? 1 : 0;
    case "replace-swarm-task":
      return 1;
    case "scale-swarm-service":
      return Math.max(0, action.from - action.to);
    default:
      return 0;
  }
}

function cutTo(action: Action, room: number): Action {
  if (action.kind !== "scale-swarm-service" || room < 1 || action.from - action.to <= room) return action;
  return { ...action, to: action.from - room };
}
