import type { Action } from "../model/action.ts";

/** What an in-flight entry calls the thing an action is about; null for what is repeated without harm. */
export function subjectOf(action: Action): string | null {
  switch (action.kind) {
    case "start-instance":
    case "create-swarm-service":
      return action.name;
    case "stop-instance":
    case "replace-swarm-task":
      return action.containerId;
    case "remove-instance":
      return removalOf(action.containerId);
    case "scale-swarm-service":
      return action.id;
    case "scale-compose-service":
      return `${action.project}/${action.composeService}`;
    case "register-instance":
      return `registration of ${action.containerId}`;
    case "deregister-instance":
      return `registration ${action.registrationId} on ${action.node}`;
    case "promote-replica":
    case "switch-over":
    case "attach-replica":
    case "configure-redis":
    case "forget-role":
    case "retag-roles":
      return null;
  }
}

/** Stopping a container and removing what is left of it are two things. */
export function removalOf(containerId: string): string {
  return `removal of ${containerId}`;
}
