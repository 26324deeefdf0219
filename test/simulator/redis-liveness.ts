import type { Service } from "../../src/model/service.ts";
import type { ServicePlan } from "../../src/model/plan.ts";
import { META } from "../../src/model/labels.ts";
import type { RedisProcess } from "./redis-process.ts";
import type { RedisWorld, SimulatedWorld } from "./world.ts";

/** What only a person can decide, and so may stay as it is until one does. */
export const forPersons: readonly string[] = ["two-masters", "none-eligible", "too-much-loss"];

/**
 * L4: one tagged master that is one, and everybody else follows it; or, where nobody can be made the master, the reason
 * and an alert. Gives what is not so. `plan`: what the leader thinks.
 */
export function whyRolesUnwell(world: SimulatedWorld, service: Service, plan: ServicePlan | undefined): string | null {
  const { redis: roles, name } = service;
  if (roles === null || world.redis === null) return null;
  const living = world.redis.servers.living(name).filter(({ listening }) => listening);
  if (living.length === 0) return null; // whether any should run is another question
  const tagged = world.servers
    .service(service.consul?.name ?? name, 0)
    .value.filter(({ tags }) => tags.includes(roles.masterTag));
  if (tagged.length > 1) return `has ${tagged.length} masters by their tags`;
  const standing = plan?.standing.redis;
  // Neither of two is touched, nor its tag, until a person has decided.
  if (standing?.kind === "two-masters") return whyUntold(world, name);
  const container = tagged[0]?.meta[META.container];
  const master = living.find((one) => one.container.name === container);
  if (tagged.length === 1)
    return master === undefined ? "has a master's tag on what does not run" : whyAstray(world.redis, living, master);
  if (standing === undefined || !forPersons.includes(standing.kind))
    return `has no master, and nobody knows why (${standing?.kind})`;
  const able = living.find(isEligible);
  if (able !== undefined && standing.kind === "none-eligible")
    return `has no master, though ${able.container.name} could be it`;
  return whyUntold(world, name);
}

function whyUntold(world: SimulatedWorld, name: string): string | null {
  return world.plan.alerts && !isTold(world, name) ? "has no master, and nobody was told" : null;
}

function whyAstray({ servers }: RedisWorld, living: readonly RedisProcess[], master: RedisProcess): string | null {
  if (master.follows !== null) return `has ${master.container.name} tagged as master, which is a replica`;
  const address = servers.addressOf(master);
  for (const { container, follows, link } of living) {
    if (container === master.container) continue;
    const isRight = follows?.host === address?.host && follows?.port === address?.port && link?.state === "up";
    if (!isRight) return `has ${container.name}, which does not follow the master ${master.container.name}`;
  }
  return null;
}

function isEligible({ follows, link, priority, downSinceMs, data }: RedisProcess): boolean {
  return follows !== null && priority > 0 && data.writes > 0 && link?.state !== "copying" && downSinceMs !== null;
}

function isTold({ channels }: SimulatedWorld, service: string): boolean {
  return channels.some(({ taken }) => taken.some(({ message }) => JSON.stringify(message).includes(service)));
}
