import type { Action, Because, Hold } from "../model/action.ts";
import type { ServiceMemory } from "../model/memory.ts";
import type { Binding, HostObservation, ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import type { Stock } from "./stock.ts";
import type { TrustVerdict } from "./trust.ts";

/** All that a rule may look at when it decides about one service. */
export interface Situation {
  readonly environment: string;
  readonly service: Service;
  readonly observed: ServiceObservation;
  readonly hosts: Readonly<Record<string, HostObservation>>;
  readonly memory: ServiceMemory;
  readonly trust: TrustVerdict;
  readonly stock: Stock;
  readonly tuning: Tuning;
  readonly nowMs: number;
}

/** What a rule answers: what it would do, and what it would have done but for a reason. */
export interface Proposal {
  readonly actions: readonly Action[];
  readonly holds: readonly Hold[];
}

export const nothing: Proposal = { actions: [], holds: [] };

/** A rule: pure, about one service, and silent when it has nothing to say. */
export type Rule = (situation: Situation) => Proposal;

/** What runs the service; null when that is not known. */
export function bindingOf({ observed }: Situation): Binding | null {
  return observed.binding.kind === "known" ? observed.binding.value : null;
}

/** `untilMs`: when it is worth looking again; null when only an event can release it. */
export function holdBack(
  { service }: Pick<Situation, "service">,
  because: Because,
  heldBy: string,
  reason: string,
  untilMs: number | null = null,
): Hold {
  return { service: service.name, because, heldBy, reason, untilMs };
}

/** What several things came to: an action each, or the reason why not. */
export function gather(outcomes: readonly (Action | Hold)[]): Proposal {
  if (outcomes.length === 0) return nothing;
  return {
    actions: outcomes.filter(isAction),
    holds: outcomes.filter((outcome): outcome is Hold => !isAction(outcome)),
  };
}

export function isAction(outcome: Action | Hold): outcome is Action {
  return "kind" in outcome;
}

export function onlyAction(action: Action): Proposal {
  return { actions: [action], holds: [] };
}

export function onlyHold(hold: Hold): Proposal {
  return { actions: [], holds: [hold] };
}
