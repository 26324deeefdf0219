import type { RedisAction, RetagRoles } from "../model/action.ts";
import { assertNever } from "../model/assert-never.ts";
import type { Service } from "../model/service.ts";
import type { Hands } from "./hands.ts";
import { forgetRole, tellAgent } from "./redis-agent.ts";
import type { RedisOutcome } from "./redis-agent.ts";
import { attachReplica } from "./redis-attach.ts";
import { configureNode } from "./redis-configure.ts";
import { promoteReplica } from "./redis-promote.ts";
import { switchOver } from "./redis-switchover.ts";
import { accessOf, rolesOf, toolsOf } from "./redis-access.ts";

/** Carries out one action on the roles of a Redis service. */
export async function performRedis(hands: Hands, service: Service, action: RedisAction): Promise<RedisOutcome> {
  switch (action.kind) {
    case "promote-replica":
      return promoteReplica(hands, service, action);
    case "switch-over":
      return switchOver(hands, service, action);
    case "attach-replica":
      return { note: await attachReplica(hands, service, action) };
    case "configure-redis":
      return { note: await configureNode(hands, service, await accessOf(hands, service), action.node) };
    case "forget-role":
      return { note: await tellAgent(hands, service, action) };
    case "retag-roles":
      return retagRoles(hands, service, action);
    default:
      return assertNever(action);
  }
}

async function retagRoles(hands: Hands, service: Service, action: RetagRoles): Promise<RedisOutcome> {
  const { masterTag, replicaTag } = rolesOf(service);
  const { consulName, master, replicas, unsure } = action;
  const told = await Promise.all(action.former.map((node) => forgetRole(hands, service, node, false)));
  const untold = action.former.flatMap(({ containerId }, at) => (told[at] === true ? [] : [containerId]));
  const wish = { consulName, masterTag, replicaTag, master, replicas, unsure };
  const outcome = await toolsOf(hands).tags.retag(wish, hands.fence);
  return { note: outcome === "same" ? "the tags were right already" : null, untold };
}
