import type { Container } from "../model/instance.ts";
import { known } from "../model/known.ts";
import type { Memory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Observation, ServiceObservation } from "../model/observation.ts";
import type { DesiredState, Service } from "../model/service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Compose } from "../ports/compose.ts";
import type { Bound } from "./binding.ts";
import { bind, composeContainers } from "./binding.ts";
import type { FleetTally } from "./fleet-tally.ts";
import type { HostMirror } from "./host-mirror.ts";
import type { Holders } from "./holders.ts";
import type { HostIdentity, HostsSeen } from "./hosts.ts";
import type { LastLooks } from "./last-looks.ts";
import { observeHosts } from "./hosts.ts";
import { join } from "./join.ts";
import { filterFor, keysOf } from "./ownership.ts";
import type { Pictures } from "./pictures.ts";
import type { RedisWatch } from "./redis-watch.ts";
import type { RegistryMirror } from "./registry-mirror.ts";
import type { SwarmMirror } from "./swarm-mirror.ts";
import { taskContainers } from "./swarm-tasks.ts";

/** What observing needs of the world. */
export interface Eyes {
  readonly clock: Clock;
  readonly hosts: readonly HostMirror[];
  readonly holders: Holders<HostMirror>;
  readonly identities: HostIdentity;
  readonly registry: RegistryMirror;
  readonly swarm: SwarmMirror;
  readonly compose: Compose | null;
  readonly tally: FleetTally;
  /** How many containers this process is starting on a host. */
  readonly startsUnderWay?: (host: string) => number;
  readonly pictures: Pictures;
  readonly lastLooks: LastLooks;
  /** Absent where no service can have Redis roles. */
  readonly redis?: RedisWatch;
  /** Asks the agents which Consul node they are, as far as that is not known yet. Never rejects. */
  readonly learnNodes: () => Promise<void>;
}

export type Depth = "mirror" | "consistent";

/**
 * Builds one observation of the named services, that of each the very same object as before where nothing about it has
 * changed. `mirror` answers from what events have told; `consistent` asks the
 * engines again and reads Consul consistently, and counts how many such looks in a row gave the same picture.
 */
export async function observe(
  eyes: Eyes,
  desired: DesiredState,
  names: readonly string[],
  memory: Memory,
  depth: Depth,
): Promise<Observation> {
  const services = names.flatMap((name) => desired.services[name] ?? forget(eyes, name));
  if (depth === "consistent") await lookAtEngines(eyes, desired, services);
  const seen = await observeHosts(eyes.hosts, eyes.registry, eyes.swarm, eyes.identities, eyes.startsUnderWay);
  const observed = await Promise.all(
    services.map((service) => observeService(eyes, desired.environment, service, memory, depth, seen)),
  );
  // A service that Consul says nothing of counts as it did before.
  for (const one of observed) if (one.registry.kind === "known") eyes.tally.count(one, eyes.clock.steadyMs());
  return {
    atMs: eyes.clock.steadyMs(),
    hosts: seen.hosts,
    services: Object.fromEntries(observed.map((one) => [one.service, one])),
    fleet: eyes.tally.total(),
  };
}

/** Nobody asks for it any more: it counts for nothing. */
function forget(eyes: Eyes, name: string): readonly Service[] {
  eyes.tally.forget(name);
  eyes.pictures.forget(name);
  eyes.lastLooks.forget(name);
  return [];
}

/** From so many services on, one list of everything is cheaper than one each. */
const SINGLE_LOOKS_MAX = 8;

async function lookAtEngines(eyes: Eyes, desired: DesiredState, services: readonly Service[]): Promise<void> {
  const looks =
    services.length > SINGLE_LOOKS_MAX
      ? eyes.hosts.map((host) => host.refresh())
      : eyes.hosts.flatMap((host) =>
          services
            // Where a Redis node has been silent for long the machine may be dead, and a failover would wait for it.
            .filter((service) => eyes.redis?.hasFallenSilent(service, host.host) !== true)
            .map((service) => host.refreshService(filterFor(desired, service), keysOf(service))),
        );
  await Promise.all(looks);
}

async function observeService(
  eyes: Eyes,
  environment: string,
  service: Service,
  memory: Memory,
  depth: Depth,
  { isBehindSilence, isAnySilent }: HostsSeen,
): Promise<ServiceObservation> {
  const isFresh = depth === "consistent";
  const before = memory.services[service.name] ?? noServiceMemory;
  const { compose, swarm, clock } = eyes;
  const [bound, answer] = await Promise.all([
    bind({ compose, swarm }, service, () => filed(eyes, service), before.binding, clock.steadyMs(), isFresh),
    eyes.registry.service(service.consul?.name ?? service.name, isFresh ? "consistent" : "default"),
  ]);
  // Taken after Consul has answered, so that nothing is listed there whose container is too new to be seen here.
  const found = filed(eyes, service);
  const isPicture = isFresh && answer.kind === "known";
  if (!isPicture) eyes.pictures.forget(service.name);
  const registrationsBefore = memory.services[service.name]?.registrations ?? null;
  const sources =
    isFresh || isAnySilent || service.redis !== null || answer.kind === "unknown" || !isOfEngine(bound)
      ? null
      : { service, containers: found, answer: answer.value, registrationsBefore };
  const same = sources === null ? null : eyes.lastLooks.from(sources);
  if (same !== null) return same;
  const containers = containersOf(service, bound, found, eyes.hosts);
  const silentHosts = silentHostsOf(eyes.hosts, service, containers);
  const joined = join({
    environment,
    service: service.name,
    containers: containers.map((container) => ({ container, current: silentHosts[container.host] === undefined })),
    registrations: answer.kind === "known" ? answer.value.registrations : [],
    index: answer.kind === "known" ? answer.value.index : 0,
    identity: eyes.identities,
    isBehindSilence,
  });
  const redis =
    service.redis === null || eyes.redis === undefined
      ? {}
      : { redis: await eyes.redis.look(service, joined.instances, isFresh) };
  const observation: ServiceObservation = {
    ...redis,
    service: service.name,
    binding: bound.binding,
    instances: joined.instances,
    silentHosts,
    registry: answer.kind === "known" ? known(joined.registry, answer.atMs) : answer,
    consistency: isFresh ? "consistent" : "default",
    freshRuntime: isFresh,
    agreeingReads: isPicture ? eyes.pictures.see(service.name, joined.instances) : 0,
    registrationsBefore,
  };
  // A host may have fallen silent while Consul was asked: that is no source, and would be seen for ever.
  if (sources !== null && Object.keys(silentHosts).length === 0) eyes.lastLooks.keep(sources, observation);
  return observation;
}

function isOfEngine({ binding }: Bound): boolean {
  return binding.kind === "known" && binding.value.kind === "engine";
}

/** Whatever the engines hold that may belong to the service. */
function filed({ holders }: Eyes, service: Service): readonly Container[] {
  const found: Container[] = [];
  for (const key of keysOf(service)) for (const host of holders.of(key)) found.push(...host.containers(key));
  return found;
}

function containersOf(
  service: Service,
  { binding, swarm }: Bound,
  mirrored: readonly Container[],
  hosts: readonly HostMirror[],
): readonly Container[] {
  switch (binding.kind === "known" ? binding.value.kind : "none") {
    case "engine":
      return mirrored.filter((container) => container.service === service.name && container.swarmServiceName === null);
    case "compose":
      return composeContainers(service, mirrored);
    case "swarm":
      return swarm === null ? [] : taskContainers(swarm, mirrored, hosts);
    case "none":
      return [];
  }
}

/** The hosts that do not answer, each with the reason, as far as they concern the service: it may or does run there. */
function silentHostsOf(
  mirrors: readonly HostMirror[],
  { placement }: Service,
  containers: readonly Container[],
): Readonly<Record<string, string>> {
  const silent: Record<string, string> = {};
  for (const mirror of mirrors) {
    const facts = mirror.engine();
    if (facts.kind === "known") continue;
    const isWanted = placement.hosts?.includes(mirror.host) ?? true;
    if (isWanted || containers.some(({ host }) => host === mirror.host)) silent[mirror.host] = facts.reason;
  }
  return silent;
}
