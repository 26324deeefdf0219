import type { RedisAction, RetagRoles } from "../model/action.ts";
import { assertNever } from "../model/assert-never.ts";
import type { Service } from "../model/service.ts";
import type { Hands } from "./hands.ts";
import { forgetRole } from "./redis-agent.ts";
import { attachReplica } from "./redis-attach.ts";
import { configureNode } from "./redis-configure.ts";
import { promoteReplica } from "./redis-promote.ts";
import { switchOver } from "./redis-switchover.ts";
import { accessOf, rolesOf, toolsOf } from "./redis-access.ts";

/** Carries out one action on the roles of a Redis service. Resolves with a note for the history, or null. */
export async function performRedis(hands: Hands, service: Service, action: RedisAction): Promise<string | null> {
  switch (action.kind) {
    case "promote-replica":
      return promoteReplica(hands, service, action);
    case "switch-over":
      return switchOver(hands, service, action);
    case "attach-replica":
      return attachReplica(hands, service, action);
    case "configure-redis":
      return configureNode(hands, service, await accessOf(hands, service), action.node);
    case "retag-roles":
      return retagRoles(hands, service, action);
    default:
      return assertNever(action);
  }
}

async function retagRoles(hands: Hands, service: Service, action: RetagRoles): Promise<string | null> {
  const { masterTag, replicaTag } = rolesOf(service);
  const { consulName, master, replicas, unsure } = action;
  await Promise.all(action.former.map((node) => forgetRole(hands, service, node, false)));
  const wish = { consulName, masterTag, replicaTag, master, replicas, unsure };
  const outcome = await toolsOf(hands).tags.retag(wish, hands.fence);
  return outcome === "same" ? "the tags were right already" : null;
}
