import type { Instance, Registration } from "./instance.ts";
import type { Known } from "./known.ts";
import type { RedisObservation } from "./redis.ts";

/** Everything seen at one instant about the services a pass is for, and about all hosts. */
export interface Observation {
  readonly atMs: number;
  readonly hosts: Readonly<Record<string, HostObservation>>;
  readonly services: Readonly<Record<string, ServiceObservation>>;
  readonly fleet: FleetObservation;
}

export interface HostObservation {
  readonly name: string;
  /** What the engine says of itself; unknown when it does not answer. */
  readonly engine: Known<{ readonly id: string }>;
  /** Since when the engine has not answered, on the steady clock; null while it does. */
  readonly silentSinceMs: number | null;
  /** Consul's own check of the node that owns this host's registrations (`serfHealth`). */
  readonly node: Known<"passing" | "critical" | "absent">;
  /** What the Swarm managers say of the node; null outside a Swarm. */
  readonly swarmNode: Known<"ready" | "down"> | null;
  /** Containers of any service of ours that run there: placement prefers the emptier host. */
  readonly load: number;
  /** Containers that `heal` itself is starting there now, or is about to, for any service; absent where nobody counts. */
  readonly starting?: number;
}

/** How one service's two sources answered, joined. */
export interface ServiceObservation {
  readonly service: string;
  readonly binding: Known<Binding>;
  readonly instances: readonly Instance[];
  /** Hosts of the service that did not answer, each with the reason. Their instances are unknown, not absent. */
  readonly silentHosts: Readonly<Record<string, string>>;
  readonly registry: Known<RegistryView>;
  /** `default` reads plan; `consistent` ones are needed before anything is stopped. */
  readonly consistency: "default" | "consistent";
  /** Whether the engines were asked just now rather than answered from a mirror of their events. */
  readonly freshRuntime: boolean;
  /** How many consecutive consistent reads have given this same picture. */
  readonly agreeingReads: number;
  /** Registrations seen by the last trusted look, or null when there was none: what an empty answer is held against. */
  readonly registrationsBefore: number | null;
  /** What the nodes of a Redis service say of themselves; absent for every other service. */
  readonly redis?: RedisObservation;
}

export interface RegistryView {
  /** Registrations under the service's name that no container answers to and that carry our mark. */
  readonly ghosts: readonly Registration[];
  /** Registrations under the service's name that are somebody else's. */
  readonly foreign: readonly Registration[];
  readonly index: number;
}

/** What runs a service, with what is needed to scale it. */
export type Binding =
  | { readonly kind: "engine" }
  | {
      readonly kind: "swarm";
      readonly id: string;
      readonly name: string;
      /** The version index that a later update must name, so that an edit by hand in between is not overwritten. */
      readonly version: number;
      readonly replicas: number;
      readonly mode: "replicated" | "global";
      readonly updating: boolean;
      readonly specHash: string | null;
    }
  | {
      readonly kind: "compose";
      readonly host: string;
      readonly project: string;
      readonly composeService: string;
      readonly configFiles: readonly string[];
      readonly workingDirectory: string;
      /** Why it cannot be scaled beyond one, or null when it can. */
      readonly unscalable: string | null;
    }
  /** Neither a template nor anything in Docker to adopt. */
  | { readonly kind: "none"; readonly reason: string };

/** Sums over the whole environment, kept up to date by observe and read by the fleet-wide guards. */
export interface FleetObservation {
  readonly instances: number;
  /** Instances that Docker runs, past their grace, while Consul calls them critical. */
  readonly runningButCritical: number;
  /** Services with at least one of those. */
  readonly servicesCritical: number;
}
