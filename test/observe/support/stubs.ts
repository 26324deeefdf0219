import type { Container, Registration } from "../../../src/model/instance.ts";
import { known, unknown } from "../../../src/model/known.ts";
import type { HostMirror } from "../../../src/observe/host-mirror.ts";
import type { OwnerKey } from "../../../src/observe/ownership.ts";
import { ownerKeyOf } from "../../../src/observe/ownership.ts";
import type { Answer, Registry } from "../../../src/ports/registry.ts";
import { openFleetTally } from "../../../src/observe/fleet-tally.ts";
import { openLastLooks } from "../../../src/observe/last-looks.ts";
import type { Eyes } from "../../../src/observe/observe.ts";
import { openPictures } from "../../../src/observe/pictures.ts";
import { openRegistryMirror } from "../../../src/observe/registry-mirror.ts";
import { noSwarmMirror } from "../../../src/observe/swarm-mirror.ts";

export interface StubMirror extends HostMirror {
  readonly refreshed: string[];
}

/** A host that holds these containers; with `silent`, one that does not answer any more. */
export function aHostMirror(
  host: string,
  containers: readonly Container[],
  silent: { readonly sinceMs: number } | null = null,
): StubMirror {
  const refreshed: string[] = [];
  return {
    host,
    refreshed,
    engine: () =>
      silent === null
        ? known({ id: `id-of-${host}`, swarmNodeId: `node-of-${host}`, swarmManager: false }, 1)
        : unknown(`the engine of ${host} does not answer: timeout`),
    silentSinceMs: () => silent?.sinceMs ?? null,
    swarmNodeId: () => `node-of-${host}`,
    containers: (key: OwnerKey) => containers.filter((container) => ownerKeyOf(container) === key),
    load: () => containers.filter(({ state }) => state === "running").length,
    refresh: async () => void refreshed.push("everything"),
    refreshService: async ({ service }) => void refreshed.push(service ?? "?"),
    probe: async () => undefined,
    isOverdue: () => false,
    giveUp: () => undefined,
    follow: async () => undefined,
  };
}

export interface ScriptedRegistry {
  readonly registry: Registry;
  /** `web default`, `web consistent`, `nodes` */
  readonly asked: string[];
  readonly services: Map<string, readonly Registration[]>;
  nodes: Awaited<ReturnType<Registry["readNodes"]>>["value"];
  /** Changes what every answer says about itself. */
  says: Partial<Answer<unknown>>;
  failure: Error | null;
  /** Answers wait until it is resolved. */
  gate: Promise<void> | null;
}

export function scriptedRegistry(): ScriptedRegistry {
  const asked: string[] = [];
  const services = new Map<string, readonly Registration[]>();
  const refuse = (): never => {
    throw new Error("a mirror changes nothing");
  };
  const answer = async <T>(value: () => T): Promise<Answer<T>> => {
    const asAsked = value();
    if (script.failure !== null) throw script.failure;
    if (script.gate !== null) await script.gate;
    return {
      value: asAsked,
      index: 5,
      knownLeader: true,
      lastContactMs: 0,
      filtered: false,
      ...script.says,
    } as Answer<T>;
  };
  const script: ScriptedRegistry = {
    asked,
    services,
    nodes: [],
    says: {},
    failure: null,
    gate: null,
    registry: {
      readService(name, { consistency }) {
        asked.push(`${name} ${consistency}`);
        return answer(() => services.get(name) ?? []);
      },
      readNodes() {
        asked.push("nodes");
        return answer(() => script.nodes);
      },
      readNotPassing: refuse,
      readServiceNames: refuse,
      readNodeServices: refuse,
      register: refuse,
      deregister: refuse,
      setMaintenance: refuse,
      nodeOf: refuse,
      readKey: refuse,
    },
  };
  return script;
}

/** Eyes on these hosts and this registry that have seen nothing yet. */
export function eyesOn(clock: Eyes["clock"], hosts: readonly HostMirror[], registry: Registry): Eyes {
  return {
    clock,
    hosts,
    holders: { of: () => hosts },
    identities: { nodeOf: (host) => `${host}-node`, addresses: {} },
    registry: openRegistryMirror(registry, clock),
    swarm: noSwarmMirror,
    compose: null,
    tally: openFleetTally(),
    pictures: openPictures(),
    lastLooks: openLastLooks(),
    learnNodes: async () => undefined,
  };
}
