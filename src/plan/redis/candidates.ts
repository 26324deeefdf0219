/**
 * Which replica becomes the master: of those that qualify the one with the smallest priority, then with the most of the
 * master's writes, then by run id. Redis Sentinel chooses by the same conditions in the same order.
 */
import type { RedisHistory, RedisMasterMemory, RedisNode, RedisNodeView } from "../../model/redis.ts";
import { followsMaster, sayingOf } from "./node.ts";
import type { RedisSituation } from "./situation.ts";

export interface Candidate {
  readonly view: RedisNodeView;
  readonly node: RedisNode;
}

export interface Field {
  /** Best first. */
  readonly eligible: readonly Candidate[];
  /** `heal.live.s.2.1: its copy of the data is not complete` */
  readonly refused: readonly string[];
}

/** A look that is older says nothing about now. */
const FRESH_MIN_MS = 1_000;
const LINK_DOWN_FACTOR = 10;

/** `downForMs`: how long the master has been down; a replica may have been without it for that long and some more. */
export function fieldOf(situation: RedisSituation, master: RedisMasterMemory | null, downForMs: number): Field {
  const eligible: Candidate[] = [];
  const refused: string[] = [];
  for (const view of situation.nodes) {
    if (view.containerId === master?.containerId) continue;
    const reason = whyNot(situation, view, master, downForMs);
    const node = sayingOf(view);
    if (reason === null && node !== null) eligible.push({ view, node });
    else refused.push(`${view.name}: ${reason ?? "it does not answer"}`);
  }
  return { eligible: eligible.sort(compare), refused };
}

/** Why a node may not be promoted, or null. */
export function whyNot(
  situation: RedisSituation,
  view: RedisNodeView,
  master: RedisMasterMemory | null,
  downForMs: number,
): string | null {
  const { nodes, nowMs, roles } = situation;
  if (view.now.kind === "unknown") return `it cannot be asked (${view.now.reason})`;
  const { value: node, atMs } = view.now;
  if (nowMs - atMs > Math.max(roles.downAfterMs, FRESH_MIN_MS)) return "what is known of it is too old";
  if (node.loading) return "it is still loading its data";
  if (node.follows === null) return "it is not a replica";
  if (node.priority === 0) return "its priority is 0";
  if (!node.announced) return "it hides itself (replica-announced no)";
  if (node.follows.syncing) return "its copy of the data is not complete";
  const histories = historiesOf(situation, master);
  const [newest] = histories;
  // One that was re-pointed and has not been linked since calls itself one that was never linked. It may have its data.
  if (node.follows.downForMs === null && (newest === undefined || node.empty || !isOf(node, newest))) {
    return "its copy of the data is not complete";
  }
  if (master !== null) {
    const masterView = nodes.find(({ containerId }) => containerId === master.containerId) ?? null;
    if (!followsMaster(node, master, masterView)) {
      return `it follows ${node.follows.master.host}:${node.follows.master.port}, not the master`;
    }
    // Whoever got the address of a master that is gone, a Redis of another service, say, has been copied from.
    if (histories.length > 0 && !histories.some((one) => isAkin(node, one)))
      return "what it holds is not of the master's history";
  }
  const allowedMs = downForMs + LINK_DOWN_FACTOR * roles.downAfterMs;
  if ((node.follows.downForMs ?? 0) > allowedMs) {
    return `it has been without the master for ${Math.round((node.follows.downForMs ?? 0) / 1000)} s`;
  }
  return null;
}

/** What named the master's history, as far as anybody knows: by its own last word, and before that by what is remembered. */
function historiesOf({ nodes, gone }: RedisSituation, master: RedisMasterMemory | null): readonly RedisHistory[] {
  if (master === null) return [];
  const view = nodes.find(({ containerId }) => containerId === master.containerId);
  const last = [view?.last, gone[master.runId]].find((one) => one?.node.runId === master.runId)?.node;
  return [last, master.history].filter((one) => one !== undefined);
}

/** Of that history, or of the one before it and no further than where that ended. */
function isOf(node: RedisNode, { replicationId, secondReplicationId, secondOffset }: RedisHistory): boolean {
  if (node.replicationId === replicationId) return true;
  return node.replicationId === secondReplicationId && node.offset <= secondOffset;
}

/** They have something in common, however far either went on alone. */
function isAkin(node: RedisHistory, { replicationId, secondReplicationId }: RedisHistory): boolean {
  return [node.replicationId, node.secondReplicationId].some(
    (id) => id !== null && (id === replicationId || id === secondReplicationId),
  );
}

function compare(a: Candidate, b: Candidate): number {
  return (
    a.node.priority - b.node.priority ||
    b.node.offset - a.node.offset ||
    (a.node.runId < b.node.runId ? -1 : a.node.runId > b.node.runId ? 1 : 0)
  );
}
