import type { HostObservation } from "../model/observation.ts";

/**
 * A host is lost when its engine has been silent for `lostAfterMs` and a second source agrees: Consul calls its node
 * critical, or the Swarm managers call it down. A silent host that the others still see is hung or cut off from us;
 * its instances stay unknown and are not replaced.
 */
export function isLost(host: HostObservation, lostAfterMs: number, nowMs: number): boolean {
  if (host.silentSinceMs === null) return false;
  return isAgreedGone(host) && nowMs - host.silentSinceMs >= lostAfterMs;
}

/** When a silent host will count as lost if nothing changes; null when a second source does not agree. */
export function lostAtMs(host: HostObservation, lostAfterMs: number): number | null {
  return host.silentSinceMs !== null && isAgreedGone(host) ? host.silentSinceMs + lostAfterMs : null;
}

/** A node that Consul does not know at all is no witness: it may never have run an agent. */
function isAgreedGone(host: HostObservation): boolean {
  if (host.node.kind === "known" && host.node.value === "critical") return true;
  return host.swarmNode?.kind === "known" && host.swarmNode.value === "down";
}
