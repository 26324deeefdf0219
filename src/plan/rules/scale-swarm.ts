/**
 * A Swarm service: its tasks are left to Swarm. `heal` corrects what Swarm takes for right: fewer replicas than asked
 * for, and a service that is gone although a template says how to create it. A global service has as many tasks as
 * there are nodes, which is for a person to change.
 */
import type { Binding } from "../../model/observation.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { bindingOf, holdBack, nothing, onlyAction, onlyHold } from "../situation.ts";

export function scaleSwarm(situation: Situation): Proposal {
  const binding = bindingOf(situation);
  switch (binding?.kind) {
    case "none":
      return situation.service.runtime === "swarm" ? create(situation) : nothing;
    case "swarm":
      return scaleUp(situation, binding);
    default:
      return nothing;
  }
}

function create(situation: Situation): Proposal {
  const { service } = situation;
  if (service.count === 0) return nothing;
  const because = { rule: RULE.scaleSwarm, evidence: `Swarm has no service called ${service.adopt.swarmService}` };
  if (service.container === null) {
    const reason = "without a container template it cannot be created: create it, or add the template";
    return onlyHold(holdBack(situation, because, "no-template", reason));
  }
  if (isScaling(situation)) {
    return onlyHold(holdBack(situation, because, "in-flight", "its creation is on its way"));
  }
  return onlyAction({
    kind: "create-swarm-service",
    service: service.name,
    name: service.adopt.swarmService,
    replicas: service.count,
    specHash: service.specHash ?? "",
    because,
  });
}

function scaleUp(situation: Situation, binding: Extract<Binding, { kind: "swarm" }>): Proposal {
  const { service, stock } = situation;
  const because = (evidence: string) => ({ rule: RULE.scaleSwarm, evidence });
  if (binding.mode === "global") {
    if (stock.healthy + stock.starting >= service.count || stock.unhealthy > 0) return nothing;
    const evidence = `${stock.healthy} of ${service.count} healthy, and ${binding.name} is a global service of Swarm`;
    const reason = "Swarm runs one task on each node that takes it: add nodes, or ask for as many as there are";
    return onlyHold(holdBack(situation, because(evidence), "global", reason));
  }
  if (binding.replicas >= service.count) {
    if (stock.healthy >= service.count || stock.unhealthy > 0) return nothing;
    const evidence = `${stock.healthy} of ${service.count} healthy`;
    const reason = `Swarm is asked for ${binding.replicas} replicas and starts what is missing itself`;
    return onlyHold(holdBack(situation, because(evidence), "swarm-at-work", reason));
  }
  const short = because(
    `Swarm is asked for ${binding.replicas} replicas of ${binding.name} where ${service.count} are wanted`,
  );
  if (binding.updating) {
    const reason = "an update of the service is running; scaling now would mix versions";
    return onlyHold(holdBack(situation, short, "updating", reason));
  }
  if (isScaling(situation)) return onlyHold(holdBack(situation, short, "in-flight", "its scaling is on its way"));
  return onlyAction({
    kind: "scale-swarm-service",
    service: service.name,
    id: binding.id,
    version: binding.version,
    from: binding.replicas,
    to: service.count,
    because: short,
  });
}

function isScaling({ memory }: Situation): boolean {
  return memory.inFlight.some(({ kind }) => kind === "scale");
}
