import type { RedisAddress, RedisMasterMemory, RedisNode, RedisNodeView, RedisRef } from "../../model/redis.ts";
import { isSameAddress } from "../../model/redis.ts";

/** What a node says now; null when that is unknown. */
export function sayingOf(view: RedisNodeView): RedisNode | null {
  return view.now.kind === "known" ? view.now.value : null;
}

function isAt(view: RedisNodeView, address: RedisAddress): boolean {
  return view.aliases.some((alias) => isSameAddress(alias, address));
}

export function nodeAt(nodes: readonly RedisNodeView[], address: RedisAddress): RedisNodeView | null {
  return nodes.find((view) => isAt(view, address)) ?? null;
}

export function refOf(view: RedisNodeView): RedisRef {
  const { containerId, name, host, registration, address, peer } = view;
  return { containerId, name, host, registration, address, peer, runId: sayingOf(view)?.runId ?? null };
}

export function masterOf(view: RedisNodeView, node: RedisNode): RedisMasterMemory {
  const { containerId, name, host, slot, peer } = view;
  const { runId, replicationId, secondReplicationId, secondOffset } = node;
  return { containerId, name, host, slot, runId, peer, history: { replicationId, secondReplicationId, secondOffset } };
}

/** Whether a replica follows the master, by whatever address it calls it. */
export function followsMaster(node: RedisNode, master: RedisMasterMemory, masterView: RedisNodeView | null): boolean {
  if (node.follows === null) return false;
  if (isSameAddress(node.follows.master, master.peer)) return true;
  return masterView !== null && isAt(masterView, node.follows.master);
}
