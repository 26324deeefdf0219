import type { Action } from "../model/action.ts";
import { assertNever } from "../model/assert-never.ts";

/** One action as an operator would say it, the same everywhere: `start heal.live.web.2.4 on h1`. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case "start-instance":
      return `start ${action.name} on ${action.host}`;
    case "stop-instance":
      return `stop and remove ${action.name} on ${action.host}`;
    case "remove-instance":
      return `clear away ${action.name} on ${action.host}`;
    case "register-instance":
      return `register ${action.name} on ${action.host} in Consul`;
    case "deregister-instance":
      return `deregister ${action.registrationId} on ${action.node} from Consul`;
    case "create-swarm-service":
      return `create the Swarm service ${action.name} with ${action.replicas} replicas`;
    case "scale-swarm-service":
      return `scale the Swarm service of ${action.service} from ${action.from} to ${action.to} replicas`;
    case "replace-swarm-task":
      return `remove the task container ${action.name} on ${action.host}, so that Swarm replaces it`;
    case "scale-compose-service":
      return `scale ${action.project}/${action.composeService} with Compose from ${action.from} to ${action.to}`;
    case "promote-replica":
      return `make ${action.to.name} the master of ${action.service}`;
    case "switch-over":
      return `hand the master role of ${action.service} over from ${action.from.name} to ${action.to.name}`;
    case "attach-replica":
      return `make ${action.node.name} a replica of ${action.master.name}`;
    case "configure-redis":
      return `tell ${action.node.name} the Redis settings of ${action.service}`;
    case "forget-role":
      return `have the agent of ${action.node.host} forget that ${action.node.name} was the master`;
    case "retag-roles":
      return `set the role tags of ${action.consulName} in Consul`;
    default:
      return assertNever(action);
  }
}
