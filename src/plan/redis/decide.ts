import type { RedisMasterMemory, RedisMemory, RedisNode, RedisNodeView, RedisStanding } from "../../model/redis.ts";
import { hasMaster, registrationKey } from "../../model/redis.ts";
import { bySentinel } from "./by-sentinel.ts";
import { failOver, type Down } from "./fail-over.ts";
import { stillUntold, withForgetting } from "./forget.ts";
import { firstMaster } from "./first-master.ts";
import { relieve, wished } from "./hand-over.ts";
import { keepReplicas } from "./keep-replicas.ts";
import { keepTags } from "./keep-tags.ts";
import { type MasterState, stateOf } from "./master-state.ts";
import { settle } from "./memory.ts";
import { masterOf, sayingOf } from "./node.ts";
import type { RedisDecision, RedisSituation, RedisStep } from "./situation.ts";
import { step, wait } from "./situation.ts";

/** For what was missed: the nodes themselves tell of whatever they do. */
const LOOK_AGAIN_MS = 2_000;

/**
 * Decides about the roles of one Redis service. Which state it is in follows from what the nodes say and what is
 * remembered, never from how far an earlier pass came; so whoever looks next, also after a crash, goes on from there:
 *
 * - no master is known: see first-master.ts;
 * - the master is well: replicas, settings and tags are kept, and what a person asked for is done;
 * - it has ended, fallen silent, begun anew or was demoted: see fail-over.ts;
 * - somebody else made another of ours the master: that one is it from now on.
 *
 * Pure and total.
 */
export function decideRoles(given: RedisSituation): RedisDecision {
  const settled = settle(given);
  const untold = stillUntold(given, settled);
  const memory = { ...settled, untold, downSinceMs: settled.downSinceMs ?? given.nowMs };
  const situation = { ...given, memory };
  const decided = given.roles.authority === "sentinel" ? bySentinel(situation) : byHeal(situation);
  const taken = withForgetting(situation, decided);
  const next = withSince(taken.memory ?? memory, given);
  return { masterId: next.master?.containerId ?? null, ...taken, memory: next };
}

function withSince(next: RedisMemory, { memory, nowMs }: RedisSituation): RedisMemory {
  return next.master?.runId === memory.master?.runId ? next : { ...next, masterSinceMs: nowMs };
}

function byHeal(situation: RedisSituation): RedisStep {
  const { memory } = situation;
  if (memory.master === null) return remembered(situation, firstMaster(situation, "no master is known yet"));
  const state = stateOf(situation, memory.master);
  return byState(situation, memory.master, state);
}

function byState(situation: RedisSituation, master: RedisMasterMemory, state: MasterState): RedisStep {
  switch (state.kind) {
    case "alive":
      return whileAlive(situation, master, state.view, state.node);
    case "handed-over":
      return withMaster(situation, masterOf(state.to, state.node));
    case "gone": {
      const sinceMs = Math.min(endOf(situation, master), state.endedAtMs ?? Number.POSITIVE_INFINITY);
      return afterEnd(situation, master, { cause: "gone", evidence: state.evidence, sinceMs, fence: "none" });
    }
    case "restarted":
      return afterRestart(situation, master, state.view, state.node);
    case "demoted":
      return afterDemotion(situation, master);
    case "behind-unseen":
      return behindUnseen(situation, master, state.view, state.to);
    case "denied": {
      const because = { rule: "redis-master", evidence: `the master ${master.name} does not let heal in` };
      return wait(situation, because, "wrong-password", state.reason, { writable: true });
    }
    case "silent":
      return whileSilent(situation, master, state);
  }
}

function whileAlive(
  situation: RedisSituation,
  master: RedisMasterMemory,
  view: RedisNodeView,
  node: RedisNode,
): RedisStep {
  // A change that was begun and did not come to its first step is over: its reason has gone.
  const memory: RedisMemory = {
    ...situation.memory,
    change: null,
    waitingSinceMs: null,
    downSinceMs: null,
    master: masterOf(view, node),
  };
  const settled = { ...situation, memory };
  if (node.handingOver) {
    const because = { rule: "redis-master", evidence: `${view.name} is handing its role over` };
    const busy = wait(settled, because, "failing-over", "Redis itself ends or undoes that", {
      untilMs: situation.nowMs + 100,
      writable: true,
    });
    return { ...busy, busy: true, memory: situation.memory };
  }
  const switched = wished(settled, view);
  if (switched?.actions[0] !== undefined) return { ...switched, memory };
  const relieved = relieve(settled, view);
  if (relieved !== null) return { ...relieved, memory };
  const kept = keepReplicas(settled, master, view, node);
  const tags = keepTags(settled, master, view);
  const isBusy = kept.lookAgainAtMs !== null;
  return step(
    refusing(situation, view, node) ??
      kept.trouble ??
      unsaved(view, node) ?? {
        kind: isBusy ? "starting" : "well",
        sentence: isBusy ? `${view.name} is the master; replicas are being attached` : `${view.name} is the master`,
        writable: true,
      },
    {
      memory,
      actions: [...kept.actions, ...tags],
      holds: [...(switched?.holds ?? []), ...kept.holds],
      lookAgainAtMs: kept.lookAgainAtMs,
    },
  );
}

/** A failover would give up what only this one holds; whoever lives with its disk is to be mended, by a person. */
function unsaved(view: RedisNodeView, node: RedisNode): RedisStanding | null {
  if (node.cannotSave !== true) return null;
  const sentence = `${view.name} is the master and could not write its data to disk the last time; it may refuse writes`;
  return { kind: "cannot-save", sentence, writable: true };
}

/** A master whose replicas died takes no writes, as the service asks, until enough of them keep up again. */
function refusing(
  { roles: { minReplicasToWrite } }: RedisSituation,
  { name }: RedisNodeView,
  { goodReplicas }: RedisNode,
): RedisStanding | null {
  if (goodReplicas === undefined || goodReplicas >= minReplicasToWrite) return null;
  const sentence =
    `${name} is the master and takes no writes: ${goodReplicas} of its replicas keep up with it, ` +
    `and minReplicasToWrite is ${minReplicasToWrite}`;
  return { kind: "too-few-replicas", sentence, writable: false };
}

/** Who has ended leaves nothing to wait for: a replica takes its place, or else who has its data. */
function afterEnd(situation: RedisSituation, master: RedisMasterMemory, down: Down): RedisStep {
  const attempt = failOver(situation, master, down);
  const hasReplica = situation.nodes.some((view) => sayingOf(view)?.role === "replica");
  if (attempt.standing.kind !== "none-eligible" || hasReplica) return untagged(situation, attempt);
  return remembered(situation, untagged(situation, firstMaster(situation, down.evidence)));
}

/** A process that began anew has lost what was not on its disk: whoever followed it has more, and is preferred. */
function afterRestart(
  situation: RedisSituation,
  master: RedisMasterMemory,
  view: RedisNodeView,
  node: RedisNode,
): RedisStep {
  const rivals = situation.nodes.filter(({ containerId }) => containerId !== master.containerId);
  // Nobody who followed it has anything, and it has been written to since: there is nothing to be saved from it.
  const hasAll = !node.loading && !node.empty && rivals.every((rival) => sayingOf(rival)?.empty === true);
  if (hasAll && Object.keys(situation.silentHosts).length === 0) return withMaster(situation, masterOf(view, node));
  const evidence = `the master ${master.name} was started anew${node.empty ? " and is empty" : ""}`;
  const sinceMs = Math.min(endOf(situation, master), restartOf(situation, master) ?? Number.POSITIVE_INFINITY);
  const attempt = failOver(situation, master, { cause: "restarted", evidence, sinceMs, fence: "none" });
  if (attempt.standing.kind !== "none-eligible") return untagged(situation, attempt);
  const mayHaveMore = rivals.some((other) => {
    const saying = sayingOf(other);
    return saying === null || !saying.empty;
  });
  const isUnseen = Object.keys(situation.silentHosts).length > 0;
  if (node.loading || (node.empty && (mayHaveMore || isUnseen))) return untagged(situation, attempt);
  return withMaster(situation, masterOf(view, node));
}

/**
 * When Docker has started the master's container anew, where that is known: who was away then would else think that its
 * replicas had been without it before.
 */
function restartOf({ instances, memory }: RedisSituation, master: RedisMasterMemory): number | null {
  const container = instances.find((one) => one.container.id === master.containerId)?.container;
  const startedAtMs = container?.startedAtMs ?? null;
  const { masterSinceMs } = memory;
  return startedAtMs !== null && masterSinceMs !== null && startedAtMs > masterSinceMs ? startedAtMs : null;
}

function whileSilent(
  situation: RedisSituation,
  master: RedisMasterMemory,
  state: Extract<MasterState, { kind: "silent" }>,
): RedisStep {
  const { nowMs } = situation;
  const evidence = `the master ${master.name} has not answered for ${Math.round(nowMs - state.sinceMs)} ms`;
  const isWished = situation.memory.wish?.kind === "promote";
  // A person decides against what the replicas say, but not for him what one lost answer may look like.
  if (state.agreed || (isWished && nowMs - state.sinceMs >= situation.roles.downAfterMs)) {
    const fence = state.stoppable ? "stop-container" : "none";
    return failOver(situation, master, {
      cause: "silent",
      evidence: `${evidence}, and ${state.agreed ? "its replicas do not hear of it" : "a person decided"}`,
      sinceMs: state.sinceMs,
      fence,
    });
  }
  // What is not a question of time is told by the nodes themselves, as soon as one of them says something else.
  const untilMs = state.dueMs > nowMs ? state.dueMs : nowMs + LOOK_AGAIN_MS;
  const rule = isWished ? "redis-failover" : "redis-master";
  return wait(situation, { rule, evidence }, "master-silent", state.against, { untilMs, busy: true });
}

/** Both are replicas for a moment while Redis hands the role over by itself; what lasts needs a new master. */
function afterDemotion(situation: RedisSituation, master: RedisMasterMemory): RedisStep {
  const { roles, nowMs } = situation;
  const evidence = `the master ${master.name} calls itself a replica, and nobody else is the master`;
  const sinceMs = downSince(situation);
  const dueMs = sinceMs + roles.downAfterMs;
  if (nowMs < dueMs && situation.memory.change === null) {
    const because = { rule: "redis-master", evidence };
    return untagged(
      situation,
      wait(situation, because, "failing-over", "it may be handing its role over", { untilMs: dueMs, busy: true }),
    );
  }
  return untagged(situation, failOver(situation, master, { cause: "demoted", evidence, sinceMs, fence: "none" }));
}

/** Whom it follows is as good as the master until that has been silent for as long as a master may be. */
function behindUnseen(
  situation: RedisSituation,
  master: RedisMasterMemory,
  view: RedisNodeView,
  to: RedisNodeView,
): RedisStep {
  const because = { rule: "redis-master", evidence: `the master ${master.name} follows ${to.name}` };
  const next = to.last === null ? null : masterOf(to, to.last.node);
  const untilMs = situation.nowMs + LOOK_AGAIN_MS;
  const taken =
    next === null
      ? wait(situation, because, "unseen", `${to.name} may be the master, and cannot be asked`, { untilMs, busy: true })
      : byState(situation, next, stateOf(situation, next));
  const isTagged = situation.registrations.some(
    (one) => registrationKey(one) === view.registration && one.tags.includes(situation.roles.masterTag),
  );
  return isTagged ? untagged(situation, taken) : taken;
}

/** Memory may not have been written while it ended, and Docker only tells of its last end. */
function endOf(situation: RedisSituation, { runId }: RedisMasterMemory): number {
  return Math.min(downSince(situation), situation.gone[runId]?.endedByMs ?? Number.POSITIVE_INFINITY);
}

function downSince({ memory, nowMs }: RedisSituation): number {
  return memory.downSinceMs ?? nowMs;
}

/** Without a master that says so itself nobody carries its tag. */
function untagged(situation: RedisSituation, taken: RedisStep): RedisStep {
  if (taken.actions.length > 0 || hasMaster(taken.standing)) return taken;
  return { ...taken, actions: keepTags(situation, null, null) };
}

function withMaster(situation: RedisSituation, master: RedisMasterMemory): RedisStep {
  const memory: RedisMemory = { ...situation.memory, epoch: situation.memory.epoch + 1, master, change: null };
  return byState({ ...situation, memory }, master, stateOf({ ...situation, memory }, master));
}

/** Who has just been taken for the master is looked after at once. */
function remembered(situation: RedisSituation, taken: RedisStep): RedisStep {
  const master = taken.memory?.master ?? null;
  if (taken.memory === undefined || master === null || master === situation.memory.master) return taken;
  const next = { ...situation, memory: taken.memory };
  return byState(next, master, stateOf(next, master));
}
