/** A service that a person paused: everything is seen and said, nothing is done, until the pause ends. */
import type { Proposal, Situation } from "../situation.ts";
import { holdAll } from "./hold-all.ts";

export function guardPause({ memory, service, nowMs }: Situation, proposal: Proposal): Proposal {
  const { pause } = memory;
  if (pause === null || (pause.untilMs !== null && nowMs >= pause.untilMs)) return proposal;
  const why = pause.why === "" ? "" : ` (${pause.why})`;
  return holdAll(proposal, "paused", `paused${why}; \`heal resume ${service.name}\` ends it`, pause.untilMs);
}
