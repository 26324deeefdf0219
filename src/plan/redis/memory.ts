import type { Action, ActionResult } from "../../model/action.ts";
import type { RedisCause, RedisMemory, RedisRef } from "../../model/redis.ts";
import { noRedisMemory, REDIS_MEMORY_VERSION, registrationKey } from "../../model/redis.ts";
import type { RedisRoles } from "../../model/service.ts";
import { masterOf, sayingOf } from "./node.ts";
import type { RedisSituation } from "./situation.ts";

/** After a failover on evidence that needs time, another one would most likely be a flap. */
const COOLDOWN_FACTOR = 10;
const RETRY_MS = 3_000;
const HOPELESS_RETRY_MS = 600_000;

/** Memory as it was kept, or none where it is not ours to understand. */
export function readRedisMemory(kept: unknown): RedisMemory {
  if (typeof kept !== "object" || kept === null) return noRedisMemory;
  const memory = kept as RedisMemory;
  return memory.version === REDIS_MEMORY_VERSION ? { ...noRedisMemory, ...memory } : noRedisMemory;
}

function longestCooldownMs({ downAfterMs }: RedisRoles): number {
  return COOLDOWN_FACTOR * downAfterMs;
}

/**
 * What a look shows of a change that was under way: over once the new master says that it is one. It has said so already
 * where it carries the tag, though it cannot be asked at this moment: whoever made the change may have ended over that.
 */
export function settle({ memory, nodes, roles, registrations, nowMs }: RedisSituation): RedisMemory {
  const { change } = memory;
  // A clock of another process, or a shorter setting, must not hold a failover up for ever.
  const cooldownUntilMs = Math.min(memory.cooldownUntilMs, nowMs + longestCooldownMs(roles));
  const live = new Set(nodes.map(({ containerId }) => containerId));
  const configured = Object.fromEntries(Object.entries(memory.configured).filter(([id]) => live.has(id)));
  const notBeforeMs = Object.fromEntries(
    Object.entries(memory.notBeforeMs).filter(([id, atMs]) => live.has(id) && atMs > nowMs),
  );
  const wish = memory.wish !== null && nowMs >= memory.wish.untilMs ? null : memory.wish;
  const tidy = { ...memory, cooldownUntilMs, configured, notBeforeMs, wish };
  const view = change === null ? undefined : nodes.find(({ containerId }) => containerId === change.to.containerId);
  if (change === null || view === undefined) return tidy;
  const node = sayingOf(view);
  const isTagged = registrations.some(
    (one) => registrationKey(one) === view.registration && one.tags.includes(roles.masterTag),
  );
  const isConfirmed = node === null ? isTagged : node.role === "master" && node.runId === change.to.runId;
  if (!isConfirmed) return tidy;
  const { containerId, name, host, slot, peer } = view;
  return {
    ...tidy,
    master: node === null ? { containerId, name, host, slot, peer, runId: change.to.runId } : masterOf(view, node),
    change: null,
    wish: null,
    cooldownUntilMs: nowMs + cooldownMs(change.cause, roles),
    last: {
      epoch: change.epoch,
      cause: change.cause,
      from: change.from?.name ?? null,
      to: change.to.name,
      gapBytes: change.gapBytes,
      tookMs: Math.round(nowMs - change.sinceMs),
      atMs: nowMs,
      timeline: change.timeline ?? null,
    },
  };
}

/** A master whose process has ended cannot flap; waiting would only be an outage. */
function cooldownMs(cause: RedisCause, roles: RedisRoles): number {
  return cause === "silent" || cause === "demoted" || cause === "restarted"
    ? longestCooldownMs(roles)
    : roles.downAfterMs;
}

/** What is written down before the actions are sent. */
export function intendRoles(before: RedisMemory, actions: readonly Action[], nowMs: number): RedisMemory {
  const former = actions.flatMap(formerMasters);
  const untold = Object.fromEntries(former.map(({ containerId }) => [containerId, nowMs]));
  const memory = former.length === 0 ? before : { ...before, untold: { ...before.untold, ...untold } };
  const change = actions.find(({ kind }) => kind === "promote-replica" || kind === "switch-over");
  if (change === undefined || (change.kind !== "promote-replica" && change.kind !== "switch-over")) return memory;
  const { epoch, from, to } = change;
  const repeated = memory.change?.epoch === epoch ? memory.change : null;
  return {
    ...memory,
    epoch,
    configured: change.kind === "switch-over" ? without(memory.configured, change.from.containerId) : memory.configured,
    change: {
      epoch,
      cause: change.kind === "switch-over" ? "switchover" : change.cause,
      from: from === null ? null : { containerId: from.containerId, name: from.name },
      to: { containerId: to.containerId, name: to.name, runId: to.runId ?? "" },
      gapBytes: change.kind === "switch-over" ? 0 : change.gapBytes,
      sinceMs: repeated?.sinceMs ?? nowMs,
    },
  };
}

/**
 * A switchover may set aside how many replicas the old master needs to write. Should `heal` end before that is put back,
 * nobody else would: it is told the service's settings again, whatever comes of the switchover.
 */
function without(configured: RedisMemory["configured"], containerId: string): RedisMemory["configured"] {
  return Object.fromEntries(Object.entries(configured).filter(([id]) => id !== containerId));
}

/** Who loses the master's tag by an action: its agent knows of it, too, until it has been told. */
function formerMasters(action: Action): readonly RedisRef[] {
  switch (action.kind) {
    case "promote-replica":
      return action.from === null ? [] : [action.from];
    case "switch-over":
      return [action.from];
    case "retag-roles":
      return action.former;
    default:
      return [];
  }
}

/** What came of them: who knows the service's settings now, and who is left alone for a while. */
export function learnRoles(memory: RedisMemory, results: readonly ActionResult[], nowMs: number): RedisMemory {
  return results.reduce((known, result) => {
    const { action } = result;
    if (action.kind === "forget-role" || action.kind === "retag-roles") return learnTold(known, result, nowMs);
    const isChange = action.kind === "promote-replica" || action.kind === "switch-over";
    // What a person asked for has been done, whatever the next look can see of it.
    if (isChange && result.kind === "done") {
      const change = known.change?.epoch === action.epoch ? { ...known.change, timeline: result.note } : known.change;
      return { ...learnTold(known, result, nowMs), wish: null, change };
    }
    if (action.kind !== "attach-replica" && action.kind !== "configure-redis") return known;
    const { containerId } = action.node;
    if (result.kind === "done") {
      return { ...known, configured: { ...known.configured, [containerId]: action.mark } };
    }
    if (result.kind === "skipped") return known;
    const delayMs = result.retry === "never" ? HOPELESS_RETRY_MS : RETRY_MS;
    return { ...known, notBeforeMs: { ...known.notBeforeMs, [containerId]: nowMs + delayMs } };
  }, memory);
}

/** Whose agents have been told; whoever's has not is tried again. */
function learnTold(known: RedisMemory, result: ActionResult, nowMs: number): RedisMemory {
  const { action } = result;
  const nodes = action.kind === "forget-role" ? [action.node] : formerMasters(action);
  if (nodes.length === 0 || result.kind === "skipped") return known;
  const left = result.kind === "failed" ? nodes.map(({ containerId }) => containerId) : (result.untold ?? []);
  const untold = { ...known.untold };
  for (const { containerId } of nodes) {
    if (left.includes(containerId)) untold[containerId] = nowMs + RETRY_MS;
    else delete untold[containerId];
  }
  return { ...known, untold };
}

/** Changes with the process and with every setting that it is to be told. */
export function settingsMark(runId: string, { minReplicasToWrite, downAfterMs, auth }: RedisRoles): string {
  return `${runId} ${JSON.stringify([minReplicasToWrite, downAfterMs, auth ?? null])}`;
}
