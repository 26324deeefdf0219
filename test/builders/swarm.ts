import type { Binding } from "../../src/model/observation.ts";

export type SwarmBinding = Extract<Binding, { readonly kind: "swarm" }>;

/** The Swarm service that runs `web`, as it was last seen. */
export function aSwarmBinding(changes: Partial<SwarmBinding> = {}): SwarmBinding {
  return {
    kind: "swarm",
    id: "s1",
    name: "web",
    version: 1,
    replicas: 1,
    mode: "replicated",
    updating: false,
    specHash: null,
    ...changes,
  };
}
