import type { Container, Instance, Registration } from "../model/instance.ts";
import { META } from "../model/labels.ts";
import type { RegistryView } from "../model/observation.ts";

export interface JoinInput {
  readonly environment: string;
  readonly service: string;
  readonly containers: readonly { readonly container: Container; readonly current: boolean }[];
  readonly registrations: readonly Registration[];
  readonly index: number;
  /** Consul's name of the host whose registrations are kept there; null while it is not known. */
  readonly nodeOf: (host: string) => string | null;
  /** Consul nodes whose host did not answer: what is registered there may well be running. */
  readonly silentNodes: ReadonlySet<string>;
}

export interface Joined {
  readonly instances: readonly Instance[];
  readonly registry: RegistryView;
}

/**
 * Puts containers and registrations together. A registration belongs to the container that its meta names; without
 * our meta (an adopted service registered by somebody else) to the one whose name its id holds, or whose address and
 * port it gives. What carries our mark and has no container is a ghost, unless its host is silent.
 */
export function join(input: JoinInput): Joined {
  const { environment, service, containers, registrations, index, silentNodes, nodeOf } = input;
  const free = new Set(registrations.filter((registration) => isOfService(registration, environment, service)));
  const instances = containers.map(({ container, current }): Instance => {
    const registration = [...free].find((candidate) => standsFor(candidate, container, nodeOf)) ?? null;
    if (registration !== null) free.delete(registration);
    return { container, registration, current };
  });
  const ghosts: Registration[] = [];
  const foreign: Registration[] = [];
  for (const registration of free) {
    if (registration.meta[META.environment] !== environment) foreign.push(registration);
    else if (!silentNodes.has(registration.node)) ghosts.push(registration);
  }
  return { instances, registry: { ghosts, foreign, index } };
}

/** Two services may share a Consul name; each sees only its own and what nobody of us registered. */
function isOfService({ meta }: Registration, environment: string, service: string): boolean {
  const owner = meta[META.environment];
  if (owner === undefined) return true;
  return owner === environment && meta[META.service] === service;
}

/** Names are unique on one host only: a host that was lost may bring back one that has been used again elsewhere. */
function standsFor(registration: Registration, container: Container, nodeOf: JoinInput["nodeOf"]): boolean {
  const named = registration.meta[META.container];
  if (named !== undefined)
    return named === container.name && (nodeOf(container.host) ?? registration.node) === registration.node;
  if (registration.id.split(/[:/]/).includes(container.name)) return true;
  return container.ports.some(
    ({ host, hostIp }) => host === registration.port && (hostIp === registration.address || isAnyAddress(hostIp)),
  );
}

function isAnyAddress(hostIp: string): boolean {
  return hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
}
