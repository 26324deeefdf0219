/**
 * A budget on stopping what runs: so many stops within a window, and never more than a share of the fleet. Clearing
 * away what has ended or was replaced costs nothing, and starting is never throttled.
 */
import type { Action } from "../../model/action.ts";
import type { FleetMemory } from "../../model/memory.ts";
import type { FleetObservation } from "../../model/observation.ts";
import type { Tuning } from "../../model/tuning.ts";
import type { Proposal } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

/** Whether an action takes a live, not superseded instance away. */
export function countsAsStop(action: Action): boolean {
  return (
    (action.kind === "stop-instance" && action.because.rule !== "remove-superseded") ||
    action.kind === "replace-swarm-task"
  );
}

/** Stops still allowed at `nowMs`. */
export function stopsLeft(memory: FleetMemory, fleet: FleetObservation, tuning: Tuning, nowMs: number): number {
  const { stopsPerWindow, windowMs, shareOfFleet } = tuning.blastRadius;
  const recent = memory.stopsAtMs.filter((atMs) => nowMs - atMs < windowMs).length;
  return Math.max(0, Math.min(stopsPerWindow, Math.max(1, Math.floor(fleet.instances * shareOfFleet))) - recent);
}

/** Lets the first `left` stops of the proposal through. */
export function guardBlastRadius(proposal: Proposal, left: number, tuning: Tuning): Proposal {
  const stops = proposal.actions.filter(countsAsStop);
  if (stops.length <= left) return proposal;
  const over = new Set(stops.slice(left));
  return holdAll(
    proposal,
    "blast-radius",
    `the budget of stops is used up (${tuning.blastRadius.stopsPerWindow} in ${tuning.blastRadius.windowMs / 60_000} min and ${tuning.blastRadius.shareOfFleet * 100} % of the fleet at most)`,
    null,
    (action) => over.has(action),
  );
}
