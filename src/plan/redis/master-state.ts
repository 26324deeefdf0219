/**
 * How the master is. An ended container is definite. A process that does not answer is not: the replicas must have
 * nothing of it either, for as long as it takes a living master to send them something. Never one observer alone.
 */
import type { RedisMasterMemory, RedisNode, RedisNodeView } from "../../model/redis.ts";
import { followsMaster, nodeAt, sayingOf } from "./node.ts";
import type { RedisSituation } from "./situation.ts";

export type MasterState =
  | { readonly kind: "alive"; readonly view: RedisNodeView; readonly node: RedisNode }
  /** Its process has certainly ended. */
  | { readonly kind: "gone"; readonly evidence: string; readonly endedAtMs: number | null }
  /** Another process runs in its place. */
  | { readonly kind: "restarted"; readonly view: RedisNodeView; readonly node: RedisNode }
  /** It is a replica, of one of ours that is a master, or of nobody that matters. */
  | { readonly kind: "handed-over"; readonly to: RedisNodeView; readonly node: RedisNode }
  | { readonly kind: "demoted"; readonly view: RedisNodeView; readonly node: RedisNode }
  /** It is a replica of one of ours that cannot be asked: whether that is a master is not known. */
  | { readonly kind: "behind-unseen"; readonly view: RedisNodeView; readonly to: RedisNodeView }
  /** It answers that we may not ask: alive. */
  | { readonly kind: "denied"; readonly view: RedisNodeView; readonly reason: string }
  /** It does not answer us. `agreed`: nor do the replicas hear of it; else `against` says what speaks against that. */
  | {
      readonly kind: "silent";
      readonly sinceMs: number;
      readonly agreed: boolean;
      readonly against: string;
      readonly dueMs: number;
      /** Docker says that its container runs, and can end it. */
      readonly stoppable: boolean;
    };

/** A master that `heal` has configured sends its replicas something every second. */
const QUIET_MIN_MS = 1_100;
/** One that was not: every ten seconds. */
const QUIET_UNCONFIGURED_MS = 11_000;

export function stateOf(situation: RedisSituation, master: RedisMasterMemory): MasterState {
  const { nodes, instances, silentHosts } = situation;
  const instance = instances.find(({ container }) => container.id === master.containerId);
  const view = nodes.find(({ containerId }) => containerId === master.containerId);
  const hostIsSilent = silentHosts[master.host] !== undefined;
  if (instance === undefined) {
    if (!hostIsSilent)
      return { kind: "gone", evidence: `the container of the master ${master.name} is gone`, endedAtMs: null };
  } else if (instance.current) {
    const { state, exitCode, finishedAtMs } = instance.container;
    if (state === "exited" || state === "dead" || state === "removing" || state === "restarting") {
      const code = exitCode === null ? "" : ` with exit code ${exitCode}`;
      return { kind: "gone", evidence: `the master ${master.name} ended${code}`, endedAtMs: finishedAtMs };
    }
  }
  const node = view === undefined ? null : sayingOf(view);
  if (view !== undefined && node !== null) return speakingState(situation, master, view, node);
  if (view?.trouble?.kind === "denied") return { kind: "denied", view, reason: view.trouble.message };
  return silentState(situation, master, view ?? null, instance?.current === true && !hostIsSilent);
}

function speakingState(
  { nodes }: RedisSituation,
  master: RedisMasterMemory,
  view: RedisNodeView,
  node: RedisNode,
): MasterState {
  if (node.role === "master") {
    return node.runId === master.runId ? { kind: "alive", view, node } : { kind: "restarted", view, node };
  }
  const leader = node.follows === null ? null : nodeAt(nodes, node.follows.master);
  const leaderNode = leader === null ? null : sayingOf(leader);
  if (leader !== null && leaderNode?.role === "master") return { kind: "handed-over", to: leader, node: leaderNode };
  if (leader !== null && leader !== view && leaderNode === null) return { kind: "behind-unseen", view, to: leader };
  return { kind: "demoted", view, node };
}

function silentState(
  { nodes, roles, nowMs, memory }: RedisSituation,
  master: RedisMasterMemory,
  view: RedisNodeView | null,
  stoppable: boolean,
): MasterState {
  const sinceMs = view?.trouble?.sinceMs ?? nowMs;
  const isConfigured = memory.configured[master.containerId]?.startsWith(master.runId) === true;
  const quietMs = Math.max(roles.downAfterMs, isConfigured ? QUIET_MIN_MS : QUIET_UNCONFIGURED_MS);
  let dueMs = sinceMs + roles.downAfterMs;
  let witnesses = 0;
  let against = nowMs < dueMs ? "it has not been silent for long enough" : "";
  for (const other of nodes) {
    const node = sayingOf(other);
    if (node === null || other.containerId === master.containerId || !followsMaster(node, master, view)) continue;
    witnesses += 1;
    if (node.follows?.up !== true) continue;
    const heardMs = other.movedAtMs ?? nowMs;
    if (nowMs - heardMs >= quietMs) continue;
    against = `${other.name} has heard of it ${Math.round(nowMs - heardMs)} ms ago`;
    dueMs = Math.max(dueMs, heardMs + quietMs);
  }
  if (witnesses === 0) against = "no replica can be asked whether it hears of the master";
  return { kind: "silent", sinceMs, agreed: against === "", against, dueMs, stoppable };
}
