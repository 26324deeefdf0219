/**
 * After an action on the service was refused, the next one waits: longer each time, until one succeeds. Starts have a
 * back-off of their own, per slot; the roles of a Redis service too, per node.
 */
import { isRedisAction } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export function guardBackOff({ memory, nowMs }: Situation, proposal: Proposal): Proposal {
  const { backOff } = memory;
  if (backOff === null || nowMs >= backOff.untilMs) return proposal;
  const seconds = Math.ceil((backOff.untilMs - nowMs) / 1000);
  return holdAll(
    proposal,
    "back-off",
    `the last try was refused (${backOff.because}); next try in ${seconds} s`,
    backOff.untilMs,
    (action) => action.kind !== "start-instance" && !isRedisAction(action),
  );
}
