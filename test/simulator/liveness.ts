import { LABEL, META } from "../../src/model/labels.ts";
import type { ServicePlan } from "../../src/model/plan.ts";
import type { Service } from "../../src/model/service.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import { whyRolesUnwell } from "./redis-liveness.ts";
import type { SimulatedWorld } from "./world.ts";

/**
 * What must be so once nothing has gone wrong for long enough (L1, L2, L3, L6, L7), as sentences about what is not.
 * `quietMs`: for how long nothing may have been changed any more.
 */
export function notYetWell(world: SimulatedWorld, quietMs: number): readonly string[] {
  const troubles: string[] = [];
  for (const service of world.truth.services()) {
    const reason = whyUnwell(world, service);
    if (reason !== null)
      troubles.push(`L1: ${service.name} ${reason}; its leader says: ${whatLeaderSays(world, service.name)}`);
    const astray = isHopeless(world, service) ? null : whyRolesUnwell(world, service, leadersPlan(world, service.name));
    if (astray !== null)
      troubles.push(`L4: ${service.name} ${astray}; its leader says: ${whatLeaderSays(world, service.name)}`);
    const sinceMs = world.scheduler.nowMs() - world.safety.lastMutationAtMs(service.name);
    // One that never gets well, and that nobody may replace, may be tried for ever.
    const isWell = [...world.truth.containersOf(service.name)].every((one) => !isUp(one) || world.truth.serves(one));
    if (isWell && sinceMs < quietMs)
      troubles.push(`L1: ${service.name} was changed ${sinceMs} ms ago, though all is well`);
  }
  if (world.keys.leader().lease === null) troubles.push("L3: nobody leads");
  return [...troubles, ...ghosts(world)];
}

function leadersPlan(world: SimulatedWorld, service: string): ServicePlan | undefined {
  const leader = world.controllers.running().find(({ leadership }) => leadership.standing().kind === "leader");
  return leader?.board.plans().find((one) => one.service === service);
}

function whatLeaderSays(world: SimulatedWorld, service: string): string {
  const plan = leadersPlan(world, service);
  if (plan === undefined) return "nothing";
  const holds = plan.holds.map(({ heldBy, reason }) => `${heldBy}: ${reason}`);
  return [plan.standing.summary, plan.standing.trustReason, ...holds].join("; ");
}

/** Whether a service can be well at all: nobody can heal what has no image or breaks the policy. */
function isHopeless(world: SimulatedWorld, { container }: Service): boolean {
  return container !== null && (container.privileged || world.behaviours.get(container.image)?.missing === true);
}

function whyUnwell(world: SimulatedWorld, service: Service): string | null {
  if (isHopeless(world, service)) return null;
  const live = [...world.truth.containersOf(service.name)].filter(isUp);
  const serving = live.filter(world.truth.serves);
  if (service.container === null) return whyAdoptedUnwell(world, service, serving);
  const slots = new Set(serving.map(({ labels }) => labels[LABEL.slot] ?? "by hand"));
  const byHand = serving.filter(({ labels }) => labels[LABEL.slot] === undefined).length;
  const inSlots = slots.has("by hand") ? slots.size - 1 : slots.size;
  const possible = Math.min(service.count, roomFor(world, service)) - slotsForPersons(world, service);
  if (inSlots + byHand < possible && !isFrozen(world, service.name))
    return `has ${inSlots + byHand} of ${possible} that serve`;
  const isRationed = whatLeaderSays(world, service.name).includes("blast-radius");
  if (service.surplus.action === "trim" && serving.length > service.count && !isRationed) {
    return `has ${serving.length} where ${service.count} are asked for, and is to be trimmed`;
  }
  // Of several masters that wait for a person's word, those whose slot holds another are left as they are, too.
  const isForPerson = leadersPlan(world, service.name)?.standing.redis?.kind === "two-masters";
  return service.consul === null || isForPerson ? null : whyUnlisted(world, service, serving);
}

/** Consul truly calls most of what runs critical, of several services: whether its checks are sick is for a person to say. */
function isFrozen(world: SimulatedWorld, name: string): boolean {
  if (!whatLeaderSays(world, name).includes("checker-sick")) return false;
  let running = 0;
  const criticalOf = new Map<string, number>();
  for (const { name: service, consul } of world.truth.services()) {
    const up = [...world.truth.containersOf(service)].filter(isUp);
    const listed = world.servers.service(consul?.name ?? service, 0).value;
    const critical = listed.filter(
      ({ meta, status }) => status === "critical" && up.some((one) => one.name === meta[META.container]),
    );
    running += up.length;
    if (critical.length > 0) criticalOf.set(service, critical.length);
  }
  const critical = [...criticalOf.values()].reduce((sum, count) => sum + count, 0);
  return criticalOf.size >= 2 && critical > running * defaultTuning.checkerSickShare;
}

/** Slots that wait because somebody else's container has their next name: who that is only a person can say. */
function slotsForPersons(world: SimulatedWorld, { name }: Service): number {
  const isForeign = (taken: string): boolean => {
    const holders = world.hosts.flatMap((host) => host.find(taken) ?? []);
    return holders.some((one) => world.truth.ownerOf(one) === null);
  };
  const holds = leadersPlan(world, name)?.holds ?? [];
  return holds.filter(({ reason }) => isForeign(/that is not ours is called ([^:]+):/.exec(reason)?.[1] ?? "")).length;
}

/** A fixed host port is there once per host. */
function roomFor(world: SimulatedWorld, { container }: Service): number {
  const isFixed = container?.ports.some(({ host }) => host !== null) ?? false;
  return isFixed ? world.hosts.length : Number.POSITIVE_INFINITY;
}

function whyAdoptedUnwell(
  world: SimulatedWorld,
  { name, count }: Service,
  serving: readonly TrueContainer[],
): string | null {
  const swarm = world.cluster?.services().find((one) => one.name === name);
  // What Swarm does not know any more and has no template cannot be made again by anybody.
  if (swarm === undefined && world.plan.swarm.includes(name)) return null;
  // Nor what Compose once ran, when nothing is left of it and other hands destroyed what was remembered of it.
  const isForgotten = world.safety.wasMemoryLost() && whatLeaderSays(world, name).includes("nothing-to-adopt");
  if (isForgotten && [...world.truth.containersOf(name)].every(({ removed }) => removed)) return null;
  if (swarm !== undefined && swarm.replicas < count) return `has ${swarm.replicas} replicas of ${count}`;
  return serving.length < count ? `has ${serving.length} of ${count} that serve` : null;
}

function whyUnlisted(
  world: SimulatedWorld,
  { name, consul, count }: Service,
  serving: readonly TrueContainer[],
): string | null {
  const listed = world.servers.service(consul?.name ?? name, 0).value;
  for (const one of serving) {
    if (Number(one.labels[LABEL.slot] ?? 0) > count) continue; // surplus is only told of
    const registration = listed.find(({ meta }) => meta[META.container] === one.name);
    if (registration === undefined) return `has ${one.name}, which Consul does not list`;
    if (registration.status !== "passing") return `has ${one.name}, which is ${registration.status} in Consul`;
    if (registration.inMaintenance) return `has ${one.name} in maintenance`;
  }
  return null;
}

/** Registrations of ours that no container stands behind. */
function ghosts(world: SimulatedWorld): readonly string[] {
  const found: string[] = [];
  for (const { name, consul } of world.truth.services()) {
    for (const { id, node, meta } of world.servers.service(consul?.name ?? name, 0).value) {
      const container = meta[META.container];
      if (meta[META.environment] !== world.plan.environment || meta[META.service] !== name || container === undefined)
        continue;
      const machine = node.replace(/-node$/, "");
      if (world.machines.get(machine)?.find(container) === undefined) found.push(`L2: ${id} on ${node} is a ghost`);
    }
  }
  return found;
}
