import type { Action } from "../../../src/model/action.ts";
import type { Planned } from "../../../src/plan/plan.ts";
import { assertNever } from "../../../src/model/assert-never.ts";
import { isRedisAction } from "../../../src/model/action.ts";

/** Everything a plan does, wave by wave, in short sentences; what it is for stands in brackets. */
export function waves(planned: Planned, service = "web"): readonly (readonly string[])[] {
  return (planned.plan.services[service]?.waves ?? []).map((wave) => wave.map(say));
}

/** The same without the waves, over all services. */
export function does(planned: Planned): readonly string[] {
  return Object.values(planned.plan.services).flatMap((service) => service.waves.flat().map(say));
}

/** What is held back and by what: `start-missing: back-off`. */
export function holds(planned: Planned, service = "web"): readonly string[] {
  return (planned.plan.services[service]?.holds ?? []).map(({ because, heldBy }) => `${because.rule}: ${heldBy}`);
}

export function summary(planned: Planned, service = "web"): string {
  const standing = planned.plan.services[service]?.standing;
  if (standing === undefined) throw new Error(`nothing was planned for ${service}`);
  return `${["passing", "warning", "critical", "unknown"][standing.status]}: ${standing.summary}`;
}

export function say(action: Action): string {
  return `${what(action)} (${action.because.rule})`;
}

function what(action: Action): string {
  if (isRedisAction(action)) return action.kind;
  switch (action.kind) {
    case "start-instance":
      return `start ${short(action.name)} on ${action.host}`;
    case "stop-instance":
      return `stop ${short(action.name)} on ${action.host}${action.registration === null ? "" : `, deregistering on ${action.registration.node}`}`;
    case "remove-instance":
      return `remove ${short(action.name)} on ${action.host}${action.registration === null ? "" : `, deregistering on ${action.registration.node}`}`;
    case "register-instance":
      return `register ${short(action.name)} on ${action.host}`;
    case "deregister-instance":
      return `deregister ${short(action.registrationId)} on ${action.node}`;
    case "create-swarm-service":
      return `create Swarm service ${action.name} with ${action.replicas}`;
    case "scale-swarm-service":
      return `scale Swarm service ${action.id}@${action.version} from ${action.from} to ${action.to}`;
    case "replace-swarm-task":
      return `take away task ${action.name} on ${action.host}`;
    case "scale-compose-service":
      return `scale Compose ${action.project}/${action.composeService} on ${action.host} from ${action.from} to ${action.to}`;
    default:
      return assertNever(action);
  }
}

/** `heal.live.web.1.2` → `web.1.2` */
function short(name: string): string {
  return name.replace(/^heal\.live\./, "");
}
