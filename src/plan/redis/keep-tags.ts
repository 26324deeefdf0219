/**
 * The tags in Consul say what the nodes themselves say: the master's tag for the one that is the master and calls itself
 * one, a replica's tag for who follows it. All in one transaction, so that nobody ever reads two masters.
 */
import type { RetagRoles } from "../../model/action.ts";
import type { RedisMasterMemory, RedisNodeView, RedisRef, RegistrationKey, RoleWish } from "../../model/redis.ts";
import { registrationKey, tagsByRole } from "../../model/redis.ts";
import { followsMaster, refOf, sayingOf } from "./node.ts";
import type { RedisSituation } from "./situation.ts";

const RULE = "redis-tags";

/** `view`: the master, confirmed as such; null when nobody may carry the master's tag. */
export function keepTags(
  situation: RedisSituation,
  master: RedisMasterMemory | null,
  view: RedisNodeView | null,
): readonly RetagRoles[] {
  const { service, roles, nodes, registrations } = situation;
  const replicas: RegistrationKey[] = [];
  const unsure: RegistrationKey[] = [];
  for (const other of nodes) {
    if (other.registration === null || other.containerId === view?.containerId) continue;
    const node = sayingOf(other);
    const follows = node !== null && master !== null && followsMaster(node, master, view);
    if (follows && node.follows?.up === true) replicas.push(other.registration);
    else if (node === null || follows) unsure.push(other.registration);
  }
  const wish: RoleWish = {
    masterTag: roles.masterTag,
    replicaTag: roles.replicaTag,
    master: view?.registration ?? null,
    replicas,
    unsure,
  };
  const wrong = registrations.filter((one) => tagsByRole(registrationKey(one), one.tags, wish) !== one.tags);
  if (wrong.length === 0) return [];
  const listed = wrong.map(
    (one) =>
      `${one.id} on ${one.node} has ${shown(one.tags)} instead of ${shown(tagsByRole(registrationKey(one), one.tags, wish))}`,
  );
  return [
    {
      kind: "retag-roles",
      service: service.name,
      consulName: service.consul?.name ?? service.name,
      master: wish.master,
      replicas,
      unsure,
      former: [
        ...nodes.filter((one) => one.registration !== wish.master && hadMasterTag(situation, one)).map(refOf),
        ...endedMasters(situation),
      ],
      because: { rule: RULE, evidence: listed.join("; ") },
    },
  ];
}

/** Its agent writes the tag back as soon as its check turns critical. */
function endedMasters({ instances, roles }: RedisSituation): readonly RedisRef[] {
  return instances.flatMap(({ container, registration, current }): RedisRef[] => {
    const hasEnded = current && (container.state === "exited" || container.state === "dead");
    if (!hasEnded || registration === null || !registration.tags.includes(roles.masterTag)) return [];
    const { id, name, host } = container;
    const address = { host: registration.address, port: registration.port };
    return [
      { containerId: id, name, host, registration: registrationKey(registration), address, peer: address, runId: null },
    ];
  });
}

function hadMasterTag({ registrations, roles }: RedisSituation, { registration }: RedisNodeView): boolean {
  return registrations.some((one) => registrationKey(one) === registration && one.tags.includes(roles.masterTag));
}

function shown(tags: readonly string[]): string {
  return tags.length === 0 ? "no tag" : tags.join(",");
}
