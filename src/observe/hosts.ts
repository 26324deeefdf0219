import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { HostObservation } from "../model/observation.ts";
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

export interface HostsSeen {
  readonly hosts: Readonly<Record<string, HostObservation>>;
  /** Whether what is registered on a node may run on a host that does not answer. */
  readonly isBehindSilence: (node: string) => boolean;
  readonly isAnySilent: boolean;
}

/** Every host with what its engine, Consul and Swarm say of it. The second sources are asked only about silent ones. */
export async function observeHosts(
  mirrors: readonly HostMirror[],
  registry: RegistryMirror,
  swarm: SwarmMirror,
  identity: HostIdentity,
  startsUnderWay: (host: string) => number = () => 0,
): Promise<HostsSeen> {
  const isAnySilent = mirrors.some((mirror) => mirror.engine().kind === "unknown");
  const nodes = isAnySilent ? await registry.nodes() : unknown("not asked: all hosts answer");
  const hosts: Record<string, HostObservation> = {};
  const silentNodes: (string | null)[] = [];
  for (const mirror of mirrors) {
    const facts = mirror.engine();
    const { host } = mirror;
    const isSilent = facts.kind === "unknown";
    const node = isSilent ? findNode(host, nodes, identity) : null;
    if (isSilent) silentNodes.push(node?.node ?? identity.nodeOf(host));
    hosts[host] = {
      name: host,
      engine: facts.kind === "known" ? known({ id: facts.value.id }, facts.atMs) : facts,
      silentSinceMs: mirror.silentSinceMs(),
      node: isSilent ? nodeStatus(node, nodes) : unknown("not asked: the host answers"),
      swarmNode: isSilent ? await swarmStatus(swarm, mirror.swarmNodeId()) : null,
      load: mirror.load(),
      starting: startsUnderWay(host),
    };
  }
  // A silent host whose node is not known may be behind any of them.
  const isAnywhere = silentNodes.includes(null);
  return {
    hosts,
    isBehindSilence: (node) => isAnywhere || silentNodes.includes(node),
    isAnySilent: silentNodes.length > 0,
  };
}

/**
 * An engine whose answer is overdue and whose node Consul calls critical is silent from now on: to wait until its time
 * is over would only put off what two sources say. Asks Consul only when an answer is overdue. Never rejects.
 */
export async function giveUpDead(
  mirrors: readonly HostMirror[],
  registry: RegistryMirror,
  identity: HostIdentity,
): Promise<void> {
  if (!mirrors.some((mirror) => mirror.isOverdue())) return;
  const nodes = await registry.nodes();
  for (const mirror of mirrors) {
    const isDead = findNode(mirror.host, nodes, identity)?.status === "critical";
    if (isDead && mirror.isOverdue()) mirror.giveUp("no answer, and Consul calls its node critical");
  }
}

function nodeStatus(node: NodeHealth | null, nodes: Known<readonly NodeHealth[]>): HostObservation["node"] {
  if (nodes.kind === "unknown") return nodes;
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

async function swarmStatus(swarm: SwarmMirror, nodeId: string | null): Promise<HostObservation["swarmNode"]> {
  if (nodeId === null) return null;
  const nodes = await swarm.nodes();
  if (nodes.kind === "unknown") return nodes;
  const node = nodes.value.find(({ id }) => id === nodeId);
  return node === undefined ? unknown("Swarm does not know the node") : known(node.state, nodes.atMs);
}
