import type { Container, Instance, Registration } from "../../src/model/instance.ts";
import { META, instanceName, registrationId } from "../../src/model/labels.ts";
import { known, unknown } from "../../src/model/known.ts";
import type { FleetMemory, Memory, ServiceMemory, SlotMemory } from "../../src/model/memory.ts";
import { noFleetMemory, noServiceMemory, noSlotMemory } from "../../src/model/memory.ts";
import type { Binding, FleetObservation, HostObservation, Observation } from "../../src/model/observation.ts";
import type { ServiceObservation } from "../../src/model/observation.ts";
import type { DesiredState, Service } from "../../src/model/service.ts";
import type { Tuning } from "../../src/model/tuning.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import type { Planned } from "../../src/plan/plan.ts";
import { plan } from "../../src/plan/plan.ts";
import { aDesiredState, aService } from "./service.ts";

/** Where the clock of every world starts; an hour has passed before. */
export const T0 = 3_600_000;
export const ENVIRONMENT = "live";

/**
 * A small world as the planner sees it, described in the words of a test. Each step gives a new world; none changes the
 * one it starts from.
 */
export interface World {
  readonly nowMs: number;
  withHosts(...names: readonly string[]): World;
  withHost(name: string, changes: Partial<HostObservation>): World;
  /** Its engine does not answer since then. Its instances are not current any more. */
  withSilentHost(name: string, sinceMs: number, node?: "passing" | "critical" | "absent"): World;
  withService(name: string, changes?: Partial<Service>): World;
  withInstance(service: string, slot: number | null, facts?: InstanceFacts): World;
  without(service: string): World;
  withGhost(service: string, slot: number, node: string): World;
  withForeign(service: string, id: string): World;
  withBinding(service: string, binding: Binding): World;
  /** Seen by as many consistent looks in a row as the planner wants. */
  looked(service?: string): World;
  seen(service: string, changes: Partial<ServiceObservation>): World;
  withMemory(service: string, changes: Partial<ServiceMemory>): World;
  withSlot(service: string, slot: number, changes: Partial<SlotMemory>): World;
  withFleet(changes: Partial<FleetObservation>): World;
  withFleetMemory(changes: Partial<FleetMemory>): World;
  withTuning(changes: Partial<Tuning>): World;
  /** So much later; what was planned for is remembered, and nothing else has changed. */
  after(ms: number, planned?: Planned): World;
  desired(): DesiredState;
  observation(): Observation;
  memory(): Memory;
  plan(): Planned;
}

export interface InstanceFacts {
  readonly on?: string;
  readonly generation?: number | null;
  readonly state?: Container["state"];
  readonly health?: Container["health"];
  readonly exitCode?: number | null;
  readonly specHash?: string | null;
  /** How long ago it started; an hour unless told. */
  readonly forMs?: number;
  /** What Consul says; `unlisted`: nothing. A container that does not run is unlisted unless told. */
  readonly consul?: "passing" | "critical" | "unlisted" | "maintenance" | "own-maintenance" | "node-critical";
  readonly output?: string;
  readonly registration?: Partial<Registration>;
  readonly container?: Partial<Container>;
}

interface Parts {
  readonly nowMs: number;
  readonly hosts: Readonly<Record<string, HostObservation>>;
  readonly services: Readonly<Record<string, Service>>;
  readonly observed: Readonly<Record<string, ServiceObservation>>;
  readonly memory: Memory;
  readonly fleet: Partial<FleetObservation>;
  readonly tuning: Tuning;
}

/** Two hosts that answer, and nothing else. */
export function aWorld(): World {
  const bare: Parts = {
    nowMs: T0,
    hosts: {},
    services: {},
    observed: {},
    memory: { fleet: noFleetMemory, services: {} },
    fleet: {},
    tuning: defaultTuning,
  };
  return worldOf(bare).withHosts("h1", "h2");
}

function worldOf(parts: Parts): World {
  const { nowMs } = parts;
  const change = (changes: Partial<Parts>): World => worldOf({ ...parts, ...changes });
  const seenAs = (service: string, changes: Partial<ServiceObservation>): World =>
    change({ observed: { ...parts.observed, [service]: { ...observedOf(parts, service), ...changes } } });
  const remember = (service: string, changes: Partial<ServiceMemory>): World => {
    // What is remembered of at all has been met before.
    const before = parts.memory.services[service] ?? { ...noServiceMemory, status: 0 as const };
    return change({
      memory: { ...parts.memory, services: { ...parts.memory.services, [service]: { ...before, ...changes } } },
    });
  };
  const world: World = {
    nowMs,
    withHosts: (...names) => change({ hosts: Object.fromEntries(names.map((name) => [name, aHost(name, nowMs)])) }),
    withHost: (name, changes) =>
      change({ hosts: { ...parts.hosts, [name]: { ...aHost(name, nowMs), ...parts.hosts[name], ...changes } } }),
    withSilentHost(name, sinceMs, node = "passing") {
      const reason = `the engine of ${name} does not answer: timeout`;
      const silenced = Object.keys(parts.services).reduce((one, service) => {
        const { instances, silentHosts } = observedOf(parts, service);
        return one.seen(service, {
          silentHosts: { ...silentHosts, [name]: reason },
          instances: instances.map((instance) =>
            instance.container.host === name ? { ...instance, current: false } : instance,
          ),
        });
      }, world);
      const silence = { engine: unknown(reason), silentSinceMs: sinceMs, node: known(node, nowMs) };
      return silenced.withHost(name, silence);
    },
    withService: (name, changes = {}) =>
      change({
        services: { ...parts.services, [name]: aService(name, changes) },
        observed: { ...parts.observed, [name]: nothingObserved(name, nowMs) },
      }),
    withInstance(service, slot, facts = {}) {
      const wish = parts.services[service];
      if (wish === undefined) throw new Error(`there is no service ${service}`);
      const { instances } = observedOf(parts, service);
      return seenAs(service, { instances: [...instances, anInstance(wish, slot, nowMs, facts)] });
    },
    without: (service) => seenAs(service, { instances: [] }),
    withGhost(service, slot, node) {
      const ghost = aRegistration(service, `heal.${ENVIRONMENT}.${service}.${slot}.1`, slot, { node });
      return seenAs(service, registryWith(parts, service, { ghosts: [ghost] }));
    },
    withForeign(service, id) {
      const foreign = { ...aRegistration(service, id, null), id, meta: {} };
      return seenAs(service, registryWith(parts, service, { foreign: [foreign] }));
    },
    withBinding: (service, binding) => seenAs(service, { binding: known(binding, nowMs) }),
    looked: (service) =>
      (service === undefined ? Object.keys(parts.services) : [service]).reduce(
        (one, name) => one.seen(name, { consistency: "consistent", freshRuntime: true, agreeingReads: 2 }),
        world,
      ),
    seen: seenAs,
    withMemory: remember,
    withSlot(service, slot, changes) {
      const { slots } = parts.memory.services[service] ?? noServiceMemory;
      return remember(service, { slots: { ...slots, [slot]: { ...noSlotMemory, ...slots[slot], ...changes } } });
    },
    withFleet: (changes) => change({ fleet: { ...parts.fleet, ...changes } }),
    withFleetMemory: (changes) => change({ memory: { ...parts.memory, fleet: { ...parts.memory.fleet, ...changes } } }),
    withTuning: (changes) => change({ tuning: { ...parts.tuning, ...changes } }),
    after(ms, planned) {
      const services = { ...parts.memory.services, ...planned?.memory.services };
      return change({ nowMs: nowMs + ms, memory: { fleet: planned?.memory.fleet ?? parts.memory.fleet, services } });
    },
    desired: () => aDesiredState(Object.values(parts.services), ENVIRONMENT),
    observation: () => ({
      atMs: nowMs,
      hosts: parts.hosts,
      services: parts.observed,
      fleet: { ...tallyOf(parts), ...parts.fleet },
    }),
    memory: () => parts.memory,
    plan: () =>
      plan({
        desired: world.desired(),
        observed: world.observation(),
        memory: parts.memory,
        tuning: parts.tuning,
        nowMs,
      }),
  };
  return world;
}

export function aHost(name: string, nowMs = T0): HostObservation {
  return {
    name,
    engine: known({ id: `engine-${name}` }, nowMs),
    silentSinceMs: null,
    node: unknown("not asked: the host answers"),
    swarmNode: null,
    load: 0,
  };
}

/** An instance of that slot that runs and passes, unless the facts say otherwise. */
export function anInstance(service: Service, slot: number | null, nowMs: number, facts: InstanceFacts = {}): Instance {
  const container = aContainer(service, slot, nowMs, facts);
  const isUp = container.state === "running" || container.state === "paused" || container.state === "restarting";
  const consul = facts.consul ?? (service.consul !== null && isUp ? "passing" : "unlisted");
  const listed =
    consul === "unlisted"
      ? null
      : aRegistration(service.name, container.name, slot, {
          node: `${container.host}-node`,
          port: container.ports[0]?.host ?? 0,
          status: consul === "critical" || consul.endsWith("maintenance") ? "critical" : "passing",
          nodeStatus: consul === "node-critical" ? "critical" : "passing",
          inMaintenance: consul.endsWith("maintenance"),
          ...(consul === "maintenance" ? { maintenanceReason: "Ann looks at it" } : {}),
          ...(consul === "own-maintenance" ? { maintenanceReason: "heal: trim-surplus" } : {}),
          output: facts.output ?? "",
          ...facts.registration,
        });
  return { container, registration: listed, current: true };
}

function aContainer(service: Service, slot: number | null, nowMs: number, facts: InstanceFacts): Container {
  const generation = facts.generation === undefined ? (slot === null ? null : 1) : facts.generation;
  const host = facts.on ?? "h1";
  const name =
    slot === null ? `${service.name}-by-hand` : instanceName(ENVIRONMENT, service.name, slot, generation ?? 1);
  const hasEnded = facts.state === "exited" || facts.state === "dead";
  const startedAtMs = nowMs - (facts.forMs ?? 3_600_000);
  return {
    id: `${service.name}/${slot ?? "x"}/${generation ?? 0}@${host}`,
    name,
    host,
    service: service.name,
    slot,
    generation,
    specHash: facts.specHash === undefined ? (slot === null ? null : service.specHash) : facts.specHash,
    state: facts.state ?? "running",
    health: facts.health ?? "none",
    exitCode: facts.exitCode === undefined ? (hasEnded ? 1 : null) : facts.exitCode,
    createdAtMs: startedAtMs,
    startedAtMs: facts.state === "created" ? null : startedAtMs,
    finishedAtMs: hasEnded ? nowMs : null,
    restartsItself: false,
    address: "172.17.0.2",
    ports: hasEnded ? [] : [{ container: 8080, host: 20_000 + (slot ?? 0), hostIp: "0.0.0.0", protocol: "tcp" }],
    compose: null,
    swarmTaskId: null,
    swarmServiceName: null,
    ...facts.container,
  };
}

export function aRegistration(
  service: string,
  container: string,
  slot: number | null,
  changes: Partial<Registration> = {},
): Registration {
  return {
    id: slot === null ? `heal.${ENVIRONMENT}.${container}` : registrationId(ENVIRONMENT, service, slot),
    name: service,
    node: "h1-node",
    nodeStatus: "passing",
    address: "10.0.0.1",
    port: 20_000 + (slot ?? 0),
    tags: [],
    meta: {
      [META.environment]: ENVIRONMENT,
      [META.service]: service,
      ...(slot === null ? {} : { [META.slot]: String(slot) }),
      [META.container]: container,
    },
    status: "passing",
    inMaintenance: false,
    output: "",
    modifyIndex: 1,
    ...changes,
  };
}

function nothingObserved(service: string, nowMs: number): ServiceObservation {
  return {
    service,
    binding: known({ kind: "engine" }, nowMs),
    instances: [],
    silentHosts: {},
    registry: known({ ghosts: [], foreign: [], index: 7 }, nowMs),
    consistency: "default",
    freshRuntime: false,
    agreeingReads: 0,
    registrationsBefore: null,
  };
}

function observedOf({ observed }: Parts, service: string): ServiceObservation {
  const found = observed[service];
  if (found === undefined) throw new Error(`there is no service ${service}`);
  return found;
}

function registryWith(
  parts: Parts,
  service: string,
  more: { readonly ghosts?: readonly Registration[]; readonly foreign?: readonly Registration[] },
): Partial<ServiceObservation> {
  const { registry } = observedOf(parts, service);
  if (registry.kind === "unknown") throw new Error("Consul has not answered");
  const { ghosts, foreign, index } = registry.value;
  const value = { ghosts: [...ghosts, ...(more.ghosts ?? [])], foreign: [...foreign, ...(more.foreign ?? [])], index };
  return { registry: known(value, registry.atMs) };
}

function tallyOf({ observed }: Parts): FleetObservation {
  const services = Object.values(observed).map(({ instances }) =>
    instances.filter(({ container, current }) => current && container.state === "running"),
  );
  const critical = services.map((running) => running.filter(({ registration }) => registration?.status === "critical"));
  return {
    instances: services.flat().length,
    runningButCritical: critical.flat().length,
    servicesCritical: critical.filter(({ length }) => length > 0).length,
  };
}
