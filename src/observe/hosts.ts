import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { HostObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { NodeHealth } from "../ports/registry.ts";
import type { HostMirror } from "./host-mirror.ts";
import type { RegistryMirror } from "./registry-mirror.ts";
import type { SwarmMirror } from "./swarm-mirror.ts";

/** How a host of the settings is found among Consul's nodes. */
export interface HostIdentity {
  /** The node whose agent owns the host's registrations, as far as that agent has said. */
  nodeOf(host: string): string | null;
  readonly addresses: Readonly<Record<string, string | null>>;
}

/** Every host with what its engine, Consul and Swarm say of it. The second sources are asked only about silent ones. */
export async function observeHosts(
  mirrors: readonly HostMirror[],
  registry: RegistryMirror,
  swarm: SwarmMirror,
  identity: HostIdentity,
): Promise<Readonly<Record<string, HostObservation>>> {
  const anySilent = mirrors.some((mirror) => mirror.engine().kind === "unknown");
  const nodes: Known<readonly NodeHealth[]> = anySilent
    ? await registry.nodes()
    : unknown("not asked: all hosts answer");
  const observations = await Promise.all(
    mirrors.map(async (mirror): Promise<HostObservation> => {
      const facts = mirror.engine();
      const swarmNodeId = mirror.swarmNodeId();
      return {
        name: mirror.host,
        engine: facts.kind === "known" ? known({ id: facts.value.id }, facts.atMs) : facts,
        silentSinceMs: mirror.silentSinceMs(),
        node: nodeStatus(mirror.host, nodes, identity),
        swarmNode: swarmNodeId === null || facts.kind === "known" ? null : await swarmStatus(swarm, swarmNodeId),
        load: mirror.load(),
      };
    }),
  );
  return Object.fromEntries(observations.map((observation) => [observation.name, observation]));
}

/** The service's hosts that do not answer, each with the reason. */
export function silentHostsOf(mirrors: readonly HostMirror[], service: Service): Readonly<Record<string, string>> {
  const silent: Record<string, string> = {};
  for (const mirror of mirrors) {
    const facts = mirror.engine();
    if (facts.kind === "unknown" && (service.placement.hosts?.includes(mirror.host) ?? true)) {
      silent[mirror.host] = facts.reason;
    }
  }
  return silent;
}

/** Consul nodes of the hosts that do not answer. */
export async function silentNodesOf(
  mirrors: readonly HostMirror[],
  identity: HostIdentity,
  registry: RegistryMirror,
): Promise<ReadonlySet<string>> {
  const silent = mirrors.filter((mirror) => mirror.engine().kind === "unknown");
  if (silent.length === 0) return new Set();
  const nodes = await registry.nodes();
  return new Set(silent.map(({ host }) => findNode(host, nodes, identity)?.node ?? identity.nodeOf(host) ?? host));
}

function nodeStatus(
  host: string,
  nodes: Known<readonly NodeHealth[]>,
  identity: HostIdentity,
): HostObservation["node"] {
  if (nodes.kind === "unknown") return nodes;
  const node = findNode(host, nodes, identity);
  if (node === null) return known("absent", nodes.atMs);
  return known(node.status === "critical" ? "critical" : "passing", nodes.atMs);
}

/** By what the agent said of itself, else by the host's address, else by its name. */
function findNode(host: string, nodes: Known<readonly NodeHealth[]>, identity: HostIdentity): NodeHealth | null {
  if (nodes.kind === "unknown") return null;
  const said = identity.nodeOf(host);
  const address = identity.addresses[host] ?? null;
  return (
    nodes.value.find(({ node }) => node === said) ??
    nodes.value.find((node) => address !== null && node.address === address) ??
    nodes.value.find(({ node }) => node === host) ??
    null
  );
}

async function swarmStatus(swarm: SwarmMirror, nodeId: string): Promise<HostObservation["swarmNode"]> {
  const nodes = await swarm.nodes();
  if (nodes.kind === "unknown") return nodes;
  const node = nodes.value.find(({ id }) => id === nodeId);
  return node === undefined ? unknown("Swarm does not know the node") : known(node.state, nodes.atMs);
}
