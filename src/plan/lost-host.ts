import type { HostObservation, ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";

/** Hosts that answer no more and are agreed to be gone: what ran there is replaced. */
export function lostHostsOf(
  service: Service,
  observed: ServiceObservation,
  hosts: Readonly<Record<string, HostObservation>>,
  nowMs: number,
): readonly string[] {
  return Object.keys(observed.silentHosts).filter((name) => {
    const host = hosts[name];
    return host !== undefined && isLost(host, service.healing.lostAfterMs, nowMs);
  });
}

/**
 * A host is lost when its engine has been silent for `lostAfterMs` and a second source agrees: Consul calls its node
 * critical, or the Swarm managers call it down. A silent host that the others still see is hung or cut off from us;
 * its instances stay unknown and are not replaced.
 */
function isLost(host: HostObservation, lostAfterMs: number, nowMs: number): boolean {
  const atMs = lostAtMs(host, lostAfterMs);
  return atMs !== null && nowMs >= atMs;
}

/** When a silent host will count as lost if nothing changes; null when it answers or no second source agrees. */
export function lostAtMs(host: HostObservation, lostAfterMs: number): number | null {
  return host.silentSinceMs !== null && isAgreedGone(host) ? host.silentSinceMs + lostAfterMs : null;
}

/** A node that Consul does not know at all is no witness: it may never have run an agent. */
function isAgreedGone(host: HostObservation): boolean {
  if (host.node.kind === "known" && host.node.value === "critical") return true;
  return host.swarmNode?.kind === "known" && host.swarmNode.value === "down";
}
