/** Container labels and Consul meta keys by which `heal` knows its own. Nothing without them is ever touched. */
export const LABEL = {
  environment: "heal.environment",
  service: "heal.service",
  slot: "heal.slot",
  generation: "heal.generation",
  specHash: "heal.spec-hash",
  /** Sequencer of the leadership under which the container was created: `session@lockIndex`. */
  sequencer: "heal.sequencer",
} as const;

export const META = {
  environment: "heal-environment",
  service: "heal-service",
  slot: "heal-slot",
  /** Name of the container that stands behind the registration. */
  container: "heal-container",
} as const;

/** What the reason of every maintenance that `heal` itself begins starts with. */
export const MAINTENANCE_MARK = "heal: ";

/**
 * The container name of one generation of one slot. Service and environment names hold no dots, so two different
 * instances never share one.
 */
export function instanceName(environment: string, service: string, slot: number, generation: number): string {
  return `heal.${environment}.${service}.${slot}.${generation}`;
}

/** The Consul registration id of a slot: the same for every generation, so that a replacement overwrites its ghost. */
export function registrationId(environment: string, service: string, slot: number): string {
  return `heal.${environment}.${service}.${slot}`;
}
