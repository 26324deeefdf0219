import type { Action, Hold } from "./action.ts";
import type { RedisStanding } from "./redis.ts";
import type { Status } from "./status.ts";

export const PLAN_VERSION = 1;

/** What one pass means to do: plain JSON. The hash covers what is done and to what, not when. */
export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly services: Readonly<Record<string, ServicePlan>>;
}

export interface ServicePlan {
  readonly service: string;
  /** Waves run one after the other and stop at the first failure; actions of one wave run side by side. */
  readonly waves: readonly (readonly Action[])[];
  readonly holds: readonly Hold[];
  readonly standing: Standing;
  /** A closer look that must come before this plan may be carried out, or null when it may be as it stands. */
  readonly needsLook: "consistent" | null;
  /** When this service is due for another look although nothing happens (back-off, grace, lost-after); or null. */
  readonly lookAgainAtMs: number | null;
}

export type Trust = "trusted" | "suspect" | "blind";

/** How a service stands, in numbers and one word; what `heal check` and `heal status` print. */
export interface Standing {
  readonly service: string;
  readonly status: Status;
  readonly trust: Trust;
  readonly trustReason: string;
  readonly runtime: "engine" | "compose" | "swarm" | "none";
  readonly desired: number;
  readonly healthy: number;
  readonly starting: number;
  readonly unhealthy: number;
  /** On hosts that do not answer: neither there nor gone. */
  readonly unknown: number;
  readonly surplus: number;
  readonly quarantined: number;
  readonly backingOff: number;
  /** `3/3 healthy` or `1/3 healthy: 2 missing`, without the service's name. */
  readonly summary: string;
  /** Only of a Redis service: how it stands as one master and its replicas. */
  readonly redis?: RedisStanding;
}
