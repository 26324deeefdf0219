/**
 * Everybody but the master follows the master: a new instance, an old master that is back, one that follows a stranger
 * or another replica. Data that the master does not have is kept aside first. One at a time, since each may need a copy
 * of everything; who has nothing to be kept aside goes first, since the master may take no writes until somebody follows.
 */
import type { AttachReplica, Because, ConfigureRedis, Hold } from "../../model/action.ts";
import type { RedisMasterMemory, RedisNode, RedisNodeView, RedisStanding } from "../../model/redis.ts";
import { isPartOf } from "../../model/redis.ts";
import { settingsMark } from "./memory.ts";
import { followsMaster, nodeAt, refOf, sayingOf } from "./node.ts";
import type { RedisSituation } from "./situation.ts";

export interface Kept {
  readonly actions: readonly (AttachReplica | ConfigureRedis)[];
  readonly holds: readonly Hold[];
  /** What is not as it should be; null when all is well. */
  readonly trouble: RedisStanding | null;
  readonly lookAgainAtMs: number | null;
}

const RULE = "redis-replicas";
/** A link that has been down for longer is worth a word. */
const LINK_DOWN_MS = 15_000;
/** The nodes tell of every step of theirs, and Consul of a registration: this is for what was missed. */
const LOOK_AGAIN_MS = 5_000;

export function keepReplicas(
  situation: RedisSituation,
  master: RedisMasterMemory,
  view: RedisNodeView,
  node: RedisNode,
): Kept {
  const { nodes, nowMs } = situation;
  const others = nodes.filter(({ containerId }) => containerId !== master.containerId);
  const isSyncing = others.some((other) => sayingOf(other)?.follows?.syncing === true);
  const actions: (AttachReplica | ConfigureRedis)[] = [];
  const holds: Hold[] = [];
  const troubles: RedisStanding[] = [];
  let isIncomplete = false;
  let soonestMs = nowMs + LOOK_AGAIN_MS;
  if (!isConfigured(situation, view, node) && notBeforeMs(situation, view) <= nowMs)
    actions.push(configure(situation, view, node));

  const verdicts = others.map((other) => ({ other, verdict: verdictOn(situation, master, view, node, other) }));
  for (const { verdict } of verdicts) if (verdict.trouble !== null) troubles.push(verdict.trouble);
  for (const { other, verdict } of verdicts.toSorted((a, b) => savingOf(a.verdict) - savingOf(b.verdict))) {
    isIncomplete ||= verdict.isIncomplete;
    if (verdict.action === null) continue;
    const dueMs = notBeforeMs(situation, other);
    if (dueMs > nowMs) {
      soonestMs = Math.min(soonestMs, dueMs);
      continue;
    }
    const attaching = isSyncing || actions.some(({ kind }) => kind === "attach-replica");
    if (verdict.action.kind === "attach-replica" && attaching) {
      const { because, service } = verdict.action;
      holds.push({
        service,
        because,
        heldBy: "one-at-a-time",
        reason: "another replica is being attached",
        untilMs: null,
      });
      isIncomplete = true;
    } else actions.push(verdict.action);
  }
  return { actions, holds, trouble: troubles[0] ?? null, lookAgainAtMs: isIncomplete ? soonestMs : null };
}

function savingOf({ action }: Verdict): number {
  return action?.kind === "attach-replica" && action.keepAsideAs !== null ? 1 : 0;
}

interface Verdict {
  readonly action: AttachReplica | ConfigureRedis | null;
  readonly trouble: RedisStanding | null;
  /** It is on its way to be a replica. */
  readonly isIncomplete: boolean;
}

const fine: Verdict = { action: null, trouble: null, isIncomplete: false };

function verdictOn(
  situation: RedisSituation,
  master: RedisMasterMemory,
  masterView: RedisNodeView,
  masterNode: RedisNode,
  other: RedisNodeView,
): Verdict {
  const node = sayingOf(other);
  if (node === null) {
    const kind = other.trouble?.kind;
    if (kind !== "denied") return { ...fine, isIncomplete: true };
    return {
      ...fine,
      trouble: standing("wrong-password", `${other.name} does not let heal in: ${other.trouble?.message}`),
    };
  }
  if (node.loading)
    return { ...fine, isIncomplete: true, trouble: standing("loading", `${other.name} is loading its data`) };
  // Its address for the others may be another one before it is registered; one whose slot holds another never will be.
  if (situation.service.consul !== null && other.registration === null && !isSuperseded(situation, other))
    return { ...fine, isIncomplete: true };
  if (!followsMaster(node, master, masterView)) {
    return { ...attach(situation, masterView, masterNode, other, node), isIncomplete: true };
  }
  const follows = node.follows;
  if (!isConfigured(situation, other, node))
    return { ...fine, action: configure(situation, other, node), isIncomplete: true };
  if (follows === null || follows.up) return fine;
  const downForMs = follows.downForMs ?? (follows.syncing ? 0 : unmovedForMs(situation, other));
  const sentence = `${other.name} has been without the master for ${Math.round(downForMs / 1000)} s`;
  const isLong = downForMs > LINK_DOWN_MS;
  return { ...fine, isIncomplete: true, trouble: isLong ? standing("replicas-lag-behind", sentence) : null };
}

/** One that has never been linked says no time. What it has, nothing was added to for so long. */
function unmovedForMs({ nowMs }: RedisSituation, { movedAtMs }: RedisNodeView): number {
  return nowMs - (movedAtMs ?? nowMs);
}

/** Another is registered for its slot, so that it never will be. */
export function isSuperseded({ nodes }: RedisSituation, { containerId, slot, registration }: RedisNodeView): boolean {
  return (
    registration === null &&
    slot !== null &&
    nodes.some((one) => one.slot === slot && one.containerId !== containerId && one.registration !== null)
  );
}

function attach(
  { service, nodes, memory, roles }: RedisSituation,
  masterView: RedisNodeView,
  masterNode: RedisNode,
  other: RedisNodeView,
  node: RedisNode,
): Pick<Verdict, "action" | "trouble"> {
  const isDiverged = !node.empty && !isPartOf(node, masterNode);
  const because: Because = { rule: RULE, evidence: `${other.name} ${whatItIs(nodes, other, node)}` };
  const action: AttachReplica = {
    kind: "attach-replica",
    service: service.name,
    node: refOf(other),
    master: refOf(masterView),
    keepAsideAs: isDiverged ? `diverged-${memory.epoch}-${node.runId.slice(0, 8)}` : null,
    mark: settingsMark(node.runId, roles),
    because: isDiverged
      ? { ...because, evidence: `${because.evidence}, with data that is not part of the master's` }
      : because,
  };
  const kind = node.follows === null ? null : nodeAt(nodes, node.follows.master) === null ? "stranger" : "chain";
  const named = isDiverged ? "diverged" : kind;
  return { action, trouble: named === null ? null : standing(named, because.evidence) };
}

function whatItIs(nodes: readonly RedisNodeView[], other: RedisNodeView, { follows }: RedisNode): string {
  if (follows === null) return "is a master beside the master";
  const leader = nodeAt(nodes, follows.master);
  if (leader?.containerId === other.containerId) return "follows itself";
  return leader === null
    ? `follows a stranger, ${follows.master.host}:${follows.master.port}`
    : `follows ${leader.name}, which is not the master`;
}

function isConfigured(
  { memory, roles }: RedisSituation,
  { containerId }: RedisNodeView,
  { runId }: RedisNode,
): boolean {
  return memory.configured[containerId] === settingsMark(runId, roles);
}

/** A node with which something failed is left alone until then. */
function notBeforeMs({ memory }: RedisSituation, { containerId }: RedisNodeView): number {
  return memory.notBeforeMs[containerId] ?? 0;
}

function configure({ service, roles }: RedisSituation, view: RedisNodeView, node: RedisNode): ConfigureRedis {
  return {
    kind: "configure-redis",
    service: service.name,
    node: refOf(view),
    mark: settingsMark(node.runId, roles),
    because: { rule: RULE, evidence: `${view.name} has not been told the service's settings yet` },
  };
}

function standing(kind: RedisStanding["kind"], sentence: string): RedisStanding {
  return { kind, sentence, writable: true };
}
