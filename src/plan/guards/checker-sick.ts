/**
 * Most of the fleet turns critical at once while Docker says that it runs: then the checker is sick, not the services.
 * Nothing that answers to bad health is done until it is over, and one alert says so.
 */
import type { Action } from "../../model/action.ts";
import type { FleetMemory } from "../../model/memory.ts";
import type { FleetObservation } from "../../model/observation.ts";
import type { Tuning } from "../../model/tuning.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

/** Two services and three instances at the least: one service that is all unhealthy may simply be broken. */
const SERVICES_MIN = 2;
const INSTANCES_MIN = 3;

export function isCheckerSick(fleet: FleetObservation, tuning: Tuning): boolean {
  return (
    fleet.servicesCritical >= SERVICES_MIN &&
    fleet.runningButCritical >= INSTANCES_MIN &&
    fleet.runningButCritical > fleet.instances * tuning.checkerSickShare
  );
}

export function guardCheckerSick(proposal: Proposal, fleet: FleetObservation, memory: FleetMemory): Proposal {
  if (memory.frozenSinceMs === null) return proposal;
  return holdAll(
    proposal,
    "checker-sick",
    `${fleet.runningButCritical} of ${fleet.instances} instances are critical in Consul while Docker runs them: the checks look sick, not the services`,
    null,
    answersToHealth,
  );
}

const healthRules: ReadonlySet<string> = new Set([RULE.replaceUnhealthy, RULE.withdrawReplacement, RULE.trimSurplus]);

function answersToHealth({ because }: Action): boolean {
  return healthRules.has(because.rule);
}
