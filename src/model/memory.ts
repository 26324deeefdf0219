import type { Binding } from "./observation.ts";
import type { Status } from "./status.ts";

export const MEMORY_VERSION = 1;

/**
 * What must be remembered between passes, per service: plain data, one Consul KV key each. Times are on the steady
 * clock of whoever wrote them; a reader in another process restarts the delays instead of trusting a foreign clock.
 */
export interface ServiceMemory {
  readonly version: typeof MEMORY_VERSION;
  readonly slots: Readonly<Record<number, SlotMemory>>;
  readonly inFlight: readonly InFlight[];
  /** Since when the service has been in its present status. */
  readonly status: Status | null;
  readonly statusSinceMs: number;
  /** Since when there have been more than asked for; null when there are not. */
  readonly surplusSinceMs: number | null;
  /** Since when each running instance (by container id) has not been passing. */
  readonly notPassingSinceMs: Readonly<Record<string, number>>;
  /** Registrations at the last trusted look; an empty answer is held against it. Null before the first one. */
  readonly registrations: number | null;
  readonly pause: Pause | null;
  /** The next attempt of an action that works on the service as a whole (Swarm, Compose). */
  readonly backOff: BackOff | null;
  /** What last ran an adopted service, so that it can be brought back when nothing of it is left to be found. */
  readonly binding: Binding | null;
  /** The last settled Redis facts; see plan/redis. */
  readonly redis: unknown;
}

export interface SlotMemory {
  /** The newest generation that was ever meant to be started. */
  readonly generation: number;
  /** Whether a container of that generation was seen; until then a start is repeated under the same name. */
  readonly confirmed: boolean;
  readonly host: string | null;
  /** Where an older instance of the slot runs while the newest that was meant does not; null when there is none. */
  readonly olderHost: string | null;
  readonly specHash: string | null;
  readonly backOff: BackOff | null;
  /** Times of the failures within the quarantine window, oldest first. */
  readonly failuresAtMs: readonly number[];
  readonly failedHosts: readonly string[];
  readonly healthySinceMs: number | null;
  readonly quarantinedAtMs: number | null;
}

export interface BackOff {
  readonly delayMs: number;
  readonly untilMs: number;
  readonly because: string;
}

/** An action that was written down before it was sent, and has not been seen to take effect yet. */
export interface InFlight {
  readonly kind: "start" | "stop" | "scale" | "register";
  readonly slot: number | null;
  readonly generation: number | null;
  readonly host: string | null;
  /** Container name, id or service the action is about. */
  readonly subject: string;
  readonly sinceMs: number;
  readonly expiresAtMs: number;
}

export interface Pause {
  readonly sinceMs: number;
  readonly untilMs: number | null;
  readonly why: string;
}

/** What is remembered for the environment as a whole. */
export interface FleetMemory {
  readonly version: typeof MEMORY_VERSION;
  /** Times of the stops within the blast-radius window, oldest first. */
  readonly stopsAtMs: readonly number[];
  /** Since when the checker, not the services, has looked sick; null when it does not. */
  readonly frozenSinceMs: number | null;
  /** Hosts declared lost, with the time. */
  readonly lostHosts: Readonly<Record<string, number>>;
}

export interface Memory {
  readonly fleet: FleetMemory;
  readonly services: Readonly<Record<string, ServiceMemory>>;
}

export const noSlotMemory: SlotMemory = {
  generation: 0,
  confirmed: true,
  host: null,
  olderHost: null,
  specHash: null,
  backOff: null,
  failuresAtMs: [],
  failedHosts: [],
  healthySinceMs: null,
  quarantinedAtMs: null,
};

export const noServiceMemory: ServiceMemory = {
  version: MEMORY_VERSION,
  slots: {},
  inFlight: [],
  status: null,
  statusSinceMs: 0,
  surplusSinceMs: null,
  notPassingSinceMs: {},
  registrations: null,
  pause: null,
  backOff: null,
  binding: null,
  redis: null,
};

export const noFleetMemory: FleetMemory = {
  version: MEMORY_VERSION,
  stopsAtMs: [],
  frozenSinceMs: null,
  lostHosts: {},
};
