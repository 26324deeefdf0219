import type { ActionResult } from "../../model/action.ts";
import type { AlertFacts, HostFacts, ServiceFacts } from "../../model/alert.ts";
import type { Instance } from "../../model/instance.ts";
import type { Memory, ServiceMemory } from "../../model/memory.ts";
import { noServiceMemory } from "../../model/memory.ts";
import type { HostObservation, Observation } from "../../model/observation.ts";
import type { Plan } from "../../model/plan.ts";
import type { DesiredState, Service } from "../../model/service.ts";

/**
 * What passes have shown so far, one look laid over the other: each pass looks at some services only. A pass costs what
 * it looked at, however many services there are.
 */
export interface Seen {
  /** Gives whether it may have shown something new: it looked at a service, or a host is or was silent. */
  decided(decision: { readonly observed: Observation; readonly plan: Plan }): boolean;
  /** What came of a service's actions; a pass without any leaves the last results standing. */
  acted(service: string, results: readonly ActionResult[], nowMs: number): void;
  /** Puts together what conditions are judged from. What has not changed is the same object as the last time. */
  facts(about: About): AlertFacts;
}

type About = { readonly desired: DesiredState; readonly memory: Memory } & Pick<
  AlertFacts,
  "nowMs" | "commandSuffix" | "desiredState" | "leadership" | "setAside"
>;

type SeenService = Pick<ServiceFacts, "standing" | "holds" | "acted" | "instances">;

const unseen: SeenService = { standing: null, holds: [], acted: null, instances: [] };

export function openSeen(): Seen {
  const services = new Map<string, SeenService>();
  const made = new Map<string, { readonly seen: SeenService; readonly facts: ServiceFacts }>();
  /** By host, then service: instances last seen there while it answered, or remembered to be there. */
  const carried = new Map<string, Map<string, number>>();
  /** By service, the hosts under which it stands there. */
  const carriers = new Map<string, readonly string[]>();
  let hosts: Observation["hosts"] = {};

  const note = (service: string, changes: Partial<SeenService>): void =>
    void services.set(service, { ...(services.get(service) ?? unseen), ...changes });
  const factsOf = (service: Service, memory: ServiceMemory): ServiceFacts => {
    const seen = services.get(service.name) ?? unseen;
    const before = made.get(service.name);
    if (before?.seen === seen && before.facts.memory === memory && before.facts.service === service)
      return before.facts;
    const facts = { service, memory, ...seen };
    made.set(service.name, { seen, facts });
    return facts;
  };
  const carriedBy = (host: string, desired: DesiredState): HostFacts["carried"] =>
    [...(carried.get(host) ?? [])]
      .filter(([service]) => desired.services[service] !== undefined)
      .map(([service, instances]) => ({ service, instances }));
  const forgetAllBut = (desired: DesiredState): void => {
    for (const name of services.keys()) {
      if (desired.services[name] !== undefined) continue;
      services.delete(name);
      carriers.delete(name);
      made.delete(name);
    }
  };

  return {
    decided({ observed, plan }) {
      for (const [name, { standing, holds }] of Object.entries(plan.services)) {
        note(name, { standing, holds, instances: observed.services[name]?.instances ?? [] });
      }
      const wasAnySilent = Object.values(hosts).some(isSilent);
      hosts = observed.hosts;
      for (const host of carried.keys()) if (hosts[host] === undefined) carried.delete(host);
      for (const host of Object.keys(hosts)) if (!carried.has(host)) carried.set(host, new Map());
      for (const [name, { instances }] of Object.entries(observed.services)) {
        carriers.set(name, carry(carried, carriers.get(name) ?? [], hosts, name, instances));
      }
      return wasAnySilent || Object.values(hosts).some(isSilent) || Object.keys(plan.services).length > 0;
    },
    acted(service, results, nowMs) {
      if (results.length > 0) note(service, { acted: { results, atMs: nowMs } });
    },
    facts({ desired, memory, ...rest }) {
      const wanted = Object.entries(desired.services);
      if (services.size > wanted.length) forgetAllBut(desired);
      const byHost = Object.entries(hosts).map(([name, observation]): [string, HostFacts] => [
        name,
        {
          observation,
          carried: isSilent(observation) || memory.fleet.lostHosts[name] !== undefined ? carriedBy(name, desired) : [],
        },
      ]);
      return {
        ...rest,
        environment: desired.environment,
        fleet: memory.fleet,
        services: Object.fromEntries(
          wanted.map(([name, service]) => [name, factsOf(service, memory.services[name] ?? noServiceMemory)]),
        ),
        hosts: Object.fromEntries(byHost),
      };
    },
  };
}

/**
 * Gives the hosts that carry the service now. A silent host keeps what it was last seen with, however much of it has
 * been replaced elsewhere meanwhile.
 */
function carry(
  carried: ReadonlyMap<string, Map<string, number>>,
  carriers: readonly string[],
  hosts: Observation["hosts"],
  service: string,
  instances: readonly Instance[],
): readonly string[] {
  const counts = new Map<string, number>();
  for (const { container, current } of instances) {
    const silent = isSilent(hosts[container.host]);
    if (silent ? current : !current || container.state !== "running") continue;
    counts.set(container.host, (counts.get(container.host) ?? 0) + 1);
  }
  for (const host of new Set([...carriers, ...counts.keys()])) {
    const before = carried.get(host);
    if (before === undefined) continue;
    const count = counts.get(host) ?? 0;
    const kept = isSilent(hosts[host]) ? Math.max(before.get(service) ?? 0, count) : count;
    if (kept > 0) before.set(service, kept);
    else before.delete(service);
    counts.set(host, kept);
  }
  return [...counts].filter(([, count]) => count > 0).map(([host]) => host);
}

function isSilent(host: HostObservation | undefined): boolean {
  return host?.silentSinceMs != null;
}
