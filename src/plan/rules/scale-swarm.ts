/**
 * A Swarm service: its tasks are left to Swarm. `heal` corrects what Swarm takes for right: fewer replicas than asked
 * for, and a service that is gone although a template says how to create it.
 */
import type { Hold } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";

const RULE = "scale-swarm";

export function scaleSwarm({ service, observed, stock, memory, nowMs }: Situation): Proposal {
  if (observed.binding.kind !== "known") return nothing;
  const binding = observed.binding.value;
  const hold = (evidence: string, heldBy: string, reason: string, untilMs: number | null = null): Proposal => {
    const held: Hold = { service: service.name, because: { rule: RULE, evidence }, heldBy, reason, untilMs };
    return { actions: [], holds: [held] };
  };
  const wait = memory.backOff !== null && nowMs < memory.backOff.untilMs ? memory.backOff : null;
  const onItsWay = memory.inFlight.some((entry) => entry.kind === "scale");
  if (binding.kind === "none") {
    if (service.runtime !== "swarm") return nothing;
    const evidence = `Swarm has no service called ${service.adopt.swarmService}`;
    if (service.container === null) {
      return hold(
        evidence,
        "no-template",
        "without a container template it cannot be created: create it, or add the template",
      );
    }
    if (onItsWay) return hold(evidence, "in-flight", "its creation is on its way");
    if (wait !== null) return hold(evidence, "back-off", wait.because, wait.untilMs);
    return {
      actions: [
        {
          kind: "create-swarm-service",
          service: service.name,
          name: service.adopt.swarmService,
          replicas: service.count,
          specHash: service.specHash ?? "",
          because: { rule: RULE, evidence },
        },
      ],
      holds: [],
    };
  }
  if (binding.kind !== "swarm") return nothing;
  if (binding.mode === "global")
    return hold("a global service", "global", "one task per node: its count is the number of nodes");
  const evidence = `Swarm is asked for ${binding.replicas} replicas of ${binding.name} where ${service.count} are wanted`;
  if (binding.replicas < service.count) {
    if (binding.updating)
      return hold(evidence, "updating", "an update of the service is running; scaling now would mix versions");
    if (onItsWay) return hold(evidence, "in-flight", "its scaling is on its way");
    if (wait !== null) return hold(evidence, "back-off", wait.because, wait.untilMs);
    return {
      actions: [
        {
          kind: "scale-swarm-service",
          service: service.name,
          id: binding.id,
          version: binding.version,
          from: binding.replicas,
          to: service.count,
          because: { rule: RULE, evidence },
        },
      ],
      holds: [],
    };
  }
  if (stock.healthy < service.count && stock.unhealthy === 0) {
    return hold(
      `${stock.healthy} of ${service.count} healthy`,
      "swarm-at-work",
      `Swarm is asked for ${binding.replicas} replicas and starts what is missing itself`,
    );
  }
  return nothing;
}
