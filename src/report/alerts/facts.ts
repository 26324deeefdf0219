import type { ActionResult, Hold } from "../../model/action.ts";
import type { AlertFacts, HostFacts, ServiceFacts } from "../../model/alert.ts";
import type { Instance } from "../../model/instance.ts";
import type { Memory } from "../../model/memory.ts";
import { noServiceMemory } from "../../model/memory.ts";
import type { HostObservation, Observation } from "../../model/observation.ts";
import type { Plan, Standing } from "../../model/plan.ts";
import type { DesiredState } from "../../model/service.ts";

/** What passes have shown so far, one look laid over the other: each pass looks at some services only. */
export interface Seen {
  readonly standings: Readonly<Record<string, Standing>>;
  readonly holds: Readonly<Record<string, readonly Hold[]>>;
  readonly acted: Readonly<Record<string, NonNullable<ServiceFacts["acted"]>>>;
  readonly instances: Readonly<Record<string, readonly Instance[]>>;
  readonly hosts: Readonly<Record<string, HostObservation>>;
  /** By host, then service: instances last seen there while it answered, or remembered to be there. */
  readonly carried: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export const nothingSeen: Seen = { standings: {}, holds: {}, acted: {}, instances: {}, hosts: {}, carried: {} };

/** Lays one pass's look over the earlier ones. */
export function noteDecision(seen: Seen, { observed, plan }: { observed: Observation; plan: Plan }): Seen {
  const standings = { ...seen.standings };
  const holds = { ...seen.holds };
  const instances = { ...seen.instances };
  for (const [name, planned] of Object.entries(plan.services)) {
    standings[name] = planned.standing;
    holds[name] = planned.holds;
    instances[name] = observed.services[name]?.instances ?? [];
  }
  const carried: Record<string, Readonly<Record<string, number>>> = {};
  for (const [host, { silentSinceMs }] of Object.entries(observed.hosts)) {
    carried[host] = carriedBy(host, silentSinceMs !== null, observed, seen.carried[host] ?? {});
  }
  return { ...seen, standings, holds, instances, hosts: observed.hosts, carried };
}

/** Notes what came of a service's actions; a pass without any leaves the last results standing. */
export function noteActed(seen: Seen, service: string, results: readonly ActionResult[], nowMs: number): Seen {
  if (results.length === 0) return seen;
  return { ...seen, acted: { ...seen.acted, [service]: { results, atMs: nowMs } } };
}

/** A silent host keeps what it was last seen with, however much of it has been replaced elsewhere meanwhile. */
function carriedBy(
  host: string,
  silent: boolean,
  observed: Observation,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const now: Record<string, number> = { ...before };
  for (const [service, { instances }] of Object.entries(observed.services)) {
    const there = instances.filter(
      ({ container, current }) => container.host === host && (silent ? !current : current),
    );
    const running = silent ? there : there.filter(({ container }) => container.state === "running");
    if (silent) now[service] = Math.max(before[service] ?? 0, running.length);
    else now[service] = running.length;
    if (now[service] === 0) delete now[service];
  }
  return now;
}

/** Puts together what conditions are judged from. */
export function factsOf(
  seen: Seen,
  about: { readonly desired: DesiredState; readonly memory: Memory } & Pick<
    AlertFacts,
    "nowMs" | "commandSuffix" | "desiredState" | "leadership" | "setAside"
  >,
): AlertFacts {
  const { desired, memory, ...rest } = about;
  const services = Object.entries(desired.services).map(([name, service]): [string, ServiceFacts] => [
    name,
    {
      service,
      standing: seen.standings[name] ?? null,
      memory: memory.services[name] ?? noServiceMemory,
      holds: seen.holds[name] ?? [],
      acted: seen.acted[name] ?? null,
      instances: seen.instances[name] ?? [],
    },
  ]);
  const hosts = Object.entries(seen.hosts).map(([name, observation]): [string, HostFacts] => [
    name,
    {
      observation,
      carried: Object.entries(seen.carried[name] ?? {})
        .filter(([service]) => desired.services[service] !== undefined)
        .map(([service, instances]) => ({ service, instances })),
    },
  ]);
  return {
    ...rest,
    environment: desired.environment,
    fleet: memory.fleet,
    services: Object.fromEntries(services),
    hosts: Object.fromEntries(hosts),
  };
}
