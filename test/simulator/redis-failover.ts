import { META } from "../../src/model/labels.ts";
import type { Service } from "../../src/model/service.ts";
import { forPersons, whyRolesUnwell } from "./redis-liveness.ts";
import type { RedisProcess } from "./redis-process.ts";
import type { RedisWorld, SimulatedWorld } from "./world.ts";

/** So long after the storm most roles are as they should be; what may follow, a quarantine, is over before the end. */
const SETTLED_MS = 90_000;
/** Beyond `downAfter`: to end the old master, to promote, to tag; and the distance to a failover just before. */
const FAILOVER_MS = 90_000;

/**
 * L4 in the calm: the master of a Redis service that is well hangs, by chance, and another must have its tag in time. In
 * the storm nobody could say how long a failover may take.
 */
export function watchFailover(world: SimulatedWorld): void {
  const { redis, dice, scheduler, truth } = world;
  if (redis === null) return;
  const chance = dice.fork("failover");
  scheduler.after(SETTLED_MS, () => {
    for (const service of truth.services())
      if (service.redis !== null && chance.chance(0.5)) hang(world, redis, service);
  });
}

function hang(world: SimulatedWorld, redis: RedisWorld, service: Service): void {
  const { safety, scheduler, controllers } = world;
  if (!controllers.running().some(({ leadership }) => leadership.standing().kind === "leader")) return;
  const master = taggedMaster(world, redis, service);
  if (master === null || whyRolesUnwell(world, service, undefined) !== null) return;
  const isReady = ({ follows, link, priority, data }: RedisProcess): boolean =>
    follows !== null && link?.state === "up" && priority > 0 && data.writes > 0;
  if (!redis.servers.living(service.name).some(isReady)) return;
  world.count("a master hangs in the calm");
  world.tell(() => `L4: ${master.container.name} hangs`);
  redis.servers.setStopped(master, true);
  const boundMs = (service.redis?.downAfterMs ?? 0) + FAILOVER_MS;
  scheduler.after(boundMs, () => {
    const isReplaced = taggedMaster(world, redis, service) !== master;
    if (!master.ended) redis.servers.setStopped(master, false);
    if (isReplaced || isForPerson(world, service)) return;
    safety.violate("L4", `${service.name} has no other master ${boundMs} ms after ${master.container.name} hung`);
  });
}

function taggedMaster({ servers }: SimulatedWorld, redis: RedisWorld, { name, consul, redis: roles }: Service) {
  const tagged = servers
    .service(consul?.name ?? name, 0)
    .value.filter(({ tags }) => roles !== null && tags.includes(roles.masterTag));
  const container = tagged.length === 1 ? tagged[0]?.meta[META.container] : undefined;
  return redis.servers.living(name).find((one) => one.container.name === container) ?? null;
}

function isForPerson({ controllers }: SimulatedWorld, { name }: Service): boolean {
  const leader = controllers.running().find(({ leadership }) => leadership.standing().kind === "leader");
  const standing = leader?.board.plans().find(({ service }) => service === name)?.standing.redis;
  return standing !== undefined && standing !== null && forPersons.includes(standing.kind);
}
