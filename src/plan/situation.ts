import type { Hold, Action } from "../model/action.ts";
import type { FleetMemory, ServiceMemory } from "../model/memory.ts";
import type { HostObservation, ServiceObservation } from "../model/observation.ts";
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
  readonly fleetMemory: FleetMemory;
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
