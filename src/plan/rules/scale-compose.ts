/**
 * A Compose service with fewer running containers than asked for is scaled back up by Compose itself, which starts its
 * ended containers again and recreates none. What cannot be scaled is refused with the reason.
 */
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { bindingOf, holdBack, nothing, onlyAction, onlyHold } from "../situation.ts";

export function scaleCompose(situation: Situation): Proposal {
  const { service, observed, stock, memory } = situation;
  const binding = bindingOf(situation);
  if (binding?.kind !== "compose") return nothing;
  const there = stock.healthy + stock.starting + stock.unhealthy + stock.unknown;
  if (there >= service.count) return nothing;
  const evidence = `${there} of ${service.count} containers of ${binding.project}/${binding.composeService} run`;
  const because = { rule: RULE.scaleCompose, evidence };
  const hold = (heldBy: string, reason: string): Proposal => onlyHold(holdBack(situation, because, heldBy, reason));
  if (binding.unscalable !== null && service.count > 1) return hold("cannot-scale", binding.unscalable);
  const silent = observed.silentHosts[binding.host];
  if (silent !== undefined) return hold("silent-host", `it belongs on ${binding.host}: ${silent}`);
  if (memory.inFlight.some(({ kind }) => kind === "scale")) return hold("in-flight", "its scaling is on its way");
  return onlyAction({
    kind: "scale-compose-service",
    service: service.name,
    host: binding.host,
    project: binding.project,
    composeService: binding.composeService,
    configFiles: binding.configFiles,
    workingDirectory: binding.workingDirectory,
    from: there,
    to: service.count,
    because,
  });
}
