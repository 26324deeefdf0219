/**
 * A Compose service with fewer running containers than asked for is scaled back up by Compose itself, which starts its
 * ended containers again and recreates none. What cannot be scaled is refused with the reason.
 */
import type { Hold } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";

const RULE = "scale-compose";

export function scaleCompose({ service, observed, stock, memory, nowMs }: Situation): Proposal {
  if (observed.binding.kind !== "known" || observed.binding.value.kind !== "compose") return nothing;
  const binding = observed.binding.value;
  const there = stock.healthy + stock.starting + stock.unhealthy + stock.unknown;
  if (there >= service.count) return nothing;
  const evidence = `${there} of ${service.count} containers of ${binding.project}/${binding.composeService} run`;
  const hold = (heldBy: string, reason: string, untilMs: number | null): Proposal => {
    const held: Hold = { service: service.name, because: { rule: RULE, evidence }, heldBy, reason, untilMs };
    return { actions: [], holds: [held] };
  };
  if (binding.unscalable !== null && service.count > 1) return hold("cannot-scale", binding.unscalable, null);
  if (memory.inFlight.some((entry) => entry.kind === "scale"))
    return hold("in-flight", "its scaling is on its way", null);
  if (memory.backOff !== null && nowMs < memory.backOff.untilMs) {
    return hold("back-off", memory.backOff.because, memory.backOff.untilMs);
  }
  return {
    actions: [
      {
        kind: "scale-compose-service",
        service: service.name,
        host: binding.host,
        project: binding.project,
        composeService: binding.composeService,
        configFiles: binding.configFiles,
        workingDirectory: binding.workingDirectory,
        from: there,
        to: service.count,
        because: { rule: RULE, evidence },
      },
    ],
    holds: [],
  };
}
