import type { Container, Instance } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import { known } from "../model/known.ts";
import type { Memory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Observation, ServiceObservation } from "../model/observation.ts";
import type { DesiredState, Service } from "../model/service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Compose } from "../ports/compose.ts";
import { bind, composeContainers } from "./binding.ts";
import type { FleetTally } from "./fleet-tally.ts";
import type { HostMirror } from "./host-mirror.ts";
import { observeHosts, silentHostsOf, silentNodesOf } from "./hosts.ts";
import type { HostIdentity } from "./hosts.ts";
import { join } from "./join.ts";
import { filterFor, keysOf } from "./ownership.ts";
import type { RedisWatch } from "./redis-watch.ts";
import type { RegistryMirror } from "./registry-mirror.ts";
import type { SwarmMirror, SwarmView } from "./swarm-mirror.ts";
import { taskContainers } from "./swarm-tasks.ts";

/** What observing needs of the world. */
export interface Eyes {
  readonly clock: Clock;
  readonly hosts: readonly HostMirror[];
  readonly identities: HostIdentity;
  readonly registry: RegistryMirror;
  readonly swarm: SwarmMirror;
  readonly compose: Compose | null;
  readonly tally: FleetTally;
  /** Absent where no service can have Redis roles. */
  readonly redis?: RedisWatch;
  /** Pictures that consecutive consistent looks gave, per service. */
  /** Asks the agents which Consul node they are, as far as that is not known yet. Never rejects. */
  readonly learnNodes: () => Promise<void>;
  readonly pictures: Map<string, { readonly picture: string; readonly agreeing: number }>;
}

/**
 * Builds one observation of the named services. `mirror` answers from what events have told; `consistent` asks the
 * engines again and reads Consul consistently, and counts how many such looks in a row gave the same picture.
 */
export async function observe(
  eyes: Eyes,
  desired: DesiredState,
  names: readonly string[],
  memory: Memory,
  depth: "mirror" | "consistent",
): Promise<Observation> {
  const services = names.flatMap((name) => desired.services[name] ?? []);
  if (depth === "consistent") await lookAtEngines(eyes, desired, services);
  const hosts = await observeHosts(eyes.hosts, eyes.registry, eyes.swarm, eyes.identities);
  const silentNodes = await silentNodesOf(eyes.hosts, eyes.identities, eyes.registry);
  const observed = await Promise.all(
    services.map((service) => observeService(eyes, desired, service, memory, depth, silentNodes)),
  );
  for (const one of observed) eyes.tally.count(one, eyes.clock.steadyMs());
  return {
    atMs: eyes.clock.steadyMs(),
    hosts,
    services: Object.fromEntries(observed.map((one) => [one.service, one])),
    fleet: eyes.tally.total(),
  };
}

async function lookAtEngines(eyes: Eyes, desired: DesiredState, services: readonly Service[]): Promise<void> {
  await Promise.all(
    eyes.hosts.flatMap((host) =>
      services.map((service) => host.refreshService(filterFor(desired, service), keysOf(service))),
    ),
  );
}

async function observeService(
  eyes: Eyes,
  desired: DesiredState,
  service: Service,
  memory: Memory,
  depth: "mirror" | "consistent",
  silentNodes: ReadonlySet<string>,
): Promise<ServiceObservation> {
  const before = memory.services[service.name] ?? noServiceMemory;
  const silentHosts = silentHostsOf(eyes.hosts, service);
  const mirrored = eyes.hosts.flatMap((host) => keysOf(service).flatMap((key) => [...host.containers(key)]));
  const fresh = depth === "consistent";
  const [bound, answer] = await Promise.all([
    bind(eyes, service, mirrored, before.binding, eyes.clock.steadyMs(), fresh),
    eyes.registry.service(service.consul?.name ?? service.name, fresh ? "consistent" : "default"),
  ]);
  const containers = containersOf(
    service,
    bound.binding.kind === "known" ? bound.binding.value.kind : "none",
    bound.swarm,
    mirrored,
    eyes,
  );
  const joined = join({
    environment: desired.environment,
    service: service.name,
    containers: containers.map((container) => ({ container, current: silentHosts[container.host] === undefined })),
    registrations: answer.kind === "known" ? answer.value.registrations : [],
    index: answer.kind === "known" ? answer.value.index : 0,
    silentNodes,
    nodeOf: eyes.identities.nodeOf,
  });
  const redis =
    service.redis === null || eyes.redis === undefined
      ? {}
      : { redis: await eyes.redis.look(service, joined.instances, fresh) };
  return {
    ...redis,
    service: service.name,
    binding: bound.binding,
    instances: joined.instances,
    silentHosts,
    registry: answer.kind === "known" ? known(joined.registry, answer.atMs) : answer,
    consistency: depth === "consistent" ? "consistent" : "default",
    freshRuntime: depth === "consistent",
    agreeingReads: agreeing(eyes, service.name, answer, joined.instances, depth),
    registrationsBefore: memory.services[service.name]?.registrations ?? null,
  };
}

function containersOf(
  service: Service,
  kind: "engine" | "swarm" | "compose" | "none",
  swarm: SwarmView | null,
  mirrored: readonly Container[],
  eyes: Eyes,
): readonly Container[] {
  switch (kind) {
    case "engine":
      return mirrored.filter((container) => container.service === service.name && container.swarmServiceName === null);
    case "compose":
      return composeContainers(service, mirrored);
    case "swarm":
      return swarm === null ? [] : taskContainers(swarm, mirrored, eyes.hosts);
    case "none":
      return [];
  }
}

/** Counts consistent looks that gave the same picture in a row; any other look begins anew. */
function agreeing(
  eyes: Eyes,
  name: string,
  answer: Known<unknown>,
  instances: readonly Instance[],
  depth: "mirror" | "consistent",
): number {
  if (depth === "mirror" || answer.kind === "unknown") {
    eyes.pictures.delete(name);
    return 0;
  }
  const picture = instances
    .map(({ container, registration }) => `${container.id} ${container.state} ${registration?.id ?? "-"}`)
    .sort()
    .join("\n");
  const last = eyes.pictures.get(name);
  const count = last?.picture === picture ? last.agreeing + 1 : 1;
  eyes.pictures.set(name, { picture, agreeing: count });
  return count;
}
