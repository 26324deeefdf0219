import type { Container, Instance, Registration } from "../model/instance.ts";
import { META } from "../model/labels.ts";
import type { RegistryView } from "../model/observation.ts";
import { isAnyAddress } from "../model/reach.ts";
import type { HostIdentity } from "./hosts.ts";

export interface JoinInput {
  readonly environment: string;
  readonly service: string;
  readonly containers: readonly { readonly container: Container; readonly current: boolean }[];
  readonly registrations: readonly Registration[];
  readonly index: number;
  readonly identity: HostIdentity;
  /** What is registered on such a node may well be running. */
  readonly isBehindSilence: (node: string) => boolean;
}

export interface Joined {
  readonly instances: readonly Instance[];
  readonly registry: RegistryView;
}

/**
 * Puts containers and registrations together. A registration belongs to the container that its meta names; without
 * our meta (an adopted service registered by somebody else) to the one whose name its id holds, or whose address and
 * port it gives. What carries our mark and has no container is a ghost, unless its host may be silent.
 */
export function join(input: JoinInput): Joined {
  const { environment, service, containers, registrations, index, identity, isBehindSilence } = input;
  const own = registrations.filter((registration) => isOfService(registration, environment, service));
  const candidates = indexByClue(own);
  const taken = new Set<Registration>();
  const instances = containers.map(({ container, current }): Instance => {
    const registration = cluesOf(container)
      .flatMap((clue) => candidates.get(clue) ?? [])
      .find((candidate) => !taken.has(candidate) && standsFor(candidate, container, identity));
    if (registration !== undefined) taken.add(registration);
    return { container, registration: registration ?? null, current };
  });
  const left = own.filter((registration) => !taken.has(registration));
  return {
    instances,
    registry: {
      ghosts: left.filter((one) => isMarked(one) && !isBehindSilence(one.node)),
      foreign: left.filter((one) => !isMarked(one)),
      index,
    },
  };
}

/** Two services may share a Consul name; each sees only its own and what nobody of us registered. */
function isOfService(registration: Registration, environment: string, service: string): boolean {
  if (!isMarked(registration)) return true;
  return registration.meta[META.environment] === environment && registration.meta[META.service] === service;
}

function isMarked({ meta }: Registration): boolean {
  return meta[META.environment] !== undefined;
}

/** By which a container and its registration find each other; the surest comes first. */
type Clue = `named ${string}` | `id ${string}` | `port ${number}`;

function indexByClue(registrations: readonly Registration[]): ReadonlyMap<Clue, readonly Registration[]> {
  const index = new Map<Clue, Registration[]>();
  for (const registration of registrations) {
    for (const clue of cluesIn(registration)) {
      const found = index.get(clue);
      if (found === undefined) index.set(clue, [registration]);
      else found.push(registration);
    }
  }
  return index;
}

function cluesIn({ id, meta, port }: Registration): ReadonlySet<Clue> {
  const named = meta[META.container];
  if (named !== undefined) return new Set<Clue>([`named ${named}`]);
  // Registrator's ids are `host:container:port`.
  return new Set<Clue>([...id.split(/[:/]/).map((part): Clue => `id ${part}`), `port ${port}`]);
}

function cluesOf({ name, ports }: Container): readonly Clue[] {
  return [`named ${name}`, `id ${name}`, ...ports.map(({ host }): Clue => `port ${host}`)];
}

/** Names and ports are unique on one host only. */
function standsFor(registration: Registration, container: Container, identity: HostIdentity): boolean {
  if (!isOfHost(registration, container.host, identity)) return false;
  if (registration.meta[META.container] !== undefined || registration.id.split(/[:/]/).includes(container.name)) {
    return true;
  }
  return container.ports.some(
    ({ host, hostIp }) => host === registration.port && (isAnyAddress(hostIp) || hostIp === registration.address),
  );
}

/** As far as it is known which node or address is the host's. */
function isOfHost({ node, address, meta }: Registration, host: string, identity: HostIdentity): boolean {
  const known = identity.nodeOf(host);
  if (known !== null) return known === node;
  const own = identity.addresses[host] ?? null;
  return meta[META.container] !== undefined || own === null || own === address;
}
