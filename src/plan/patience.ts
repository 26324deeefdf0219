import type { Instance } from "../model/instance.ts";
import type { Service } from "../model/service.ts";

/**
 * How long an instance may be unwell before it is given up. One that is well itself, on a host whose engine answers while
 * Consul's members still call it dead, has as long as a lost host has: they may take that long to find one that is back.
 */
export function patienceMs({ healing }: Service, { container, registration }: Instance): number {
  const isUnwell = container.state !== "running" || container.health === "unhealthy" || container.health === "starting";
  const isHostsAlone =
    !isUnwell &&
    registration?.nodeStatus === "critical" &&
    registration.status !== "critical" &&
    !registration.inMaintenance;
  return isHostsAlone ? Math.max(healing.unhealthyAfterMs, healing.lostAfterMs) : healing.unhealthyAfterMs;
}
