import type { FleetObservation, ServiceObservation } from "../model/observation.ts";

/** Sums over all services, kept by the difference that each look at one service makes. */
export interface FleetTally {
  count(observed: ServiceObservation, nowMs: number): void;
  forget(service: string): void;
  total(): FleetObservation;
}

/** An instance that has run for less than this may be critical only because it has just started. */
const SETTLED_AFTER_MS = 30_000;

export function openFleetTally(): FleetTally {
  const shares = new Map<string, { readonly instances: number; readonly critical: number }>();
  let instances = 0;
  let runningButCritical = 0;
  let servicesCritical = 0;

  const add = (share: { readonly instances: number; readonly critical: number }, sign: 1 | -1): void => {
    instances += sign * share.instances;
    runningButCritical += sign * share.critical;
    servicesCritical += share.critical > 0 ? sign : 0;
  };
  return {
    count(observed, nowMs) {
      const running = observed.instances.filter(({ container, current }) => current && container.state === "running");
      const critical = running.filter(
        ({ container, registration }) =>
          (registration?.status === "critical" || registration?.nodeStatus === "critical") &&
          nowMs - (container.startedAtMs ?? container.createdAtMs) >= SETTLED_AFTER_MS,
      );
      const before = shares.get(observed.service);
      if (before !== undefined) add(before, -1);
      const share = { instances: running.length, critical: critical.length };
      shares.set(observed.service, share);
      add(share, 1);
    },
    forget(service) {
      const before = shares.get(service);
      if (before === undefined) return;
      add(before, -1);
      shares.delete(service);
    },
    total: () => ({ instances, runningButCritical, servicesCritical }),
  };
}
