/**
 * The master is down: the best replica takes its place. A loss that is larger than the service allows, or that cannot be
 * reckoned, waits for a person. One failover at a time, and not the next one right after it.
 */
import type { Because, PromoteReplica } from "../../model/action.ts";
import { META } from "../../model/labels.ts";
import type { RedisCause, RedisMasterMemory, RedisRef } from "../../model/redis.ts";
import { registrationKey } from "../../model/redis.ts";
import type { Candidate, Field } from "./candidates.ts";
import { fieldOf } from "./candidates.ts";
import { refOf, sayingOf } from "./node.ts";
import type { RedisSituation, RedisStep } from "./situation.ts";
import { step, wait } from "./situation.ts";

export interface Down {
  readonly cause: RedisCause;
  readonly evidence: string;
  readonly sinceMs: number;
  readonly fence: PromoteReplica["fence"];
}

const RULE = "redis-failover";

/** A promotion, or why there is none. */
export function failOver(situation: RedisSituation, master: RedisMasterMemory, down: Down): RedisStep {
  const { memory, nowMs, service } = situation;
  const because: Because = { rule: RULE, evidence: down.evidence };
  const restUntilMs = cooldownUntilMs(situation, down.cause);
  if (memory.change === null && nowMs < restUntilMs && memory.wish === null) {
    const leftS = Math.ceil((restUntilMs - nowMs) / 1_000);
    return wait(situation, because, "failing-over", `the last failover was just now; the next in ${leftS} s`, {
      untilMs: restUntilMs,
      busy: true,
    });
  }
  const field = fieldOf(situation, master, Math.max(0, nowMs - down.sinceMs));
  const chosen = choose(situation, field) ?? (down.cause === "demoted" ? itself(situation, master) : null);
  if (chosen === null) return noneEligible(situation, because, field);
  const gapBytes = gapOf(situation, master, chosen);
  const loss = tooMuch(situation, because, chosen, gapBytes);
  if (loss !== null) return loss;
  const action = promotion(situation, because, { master, down, chosen, gapBytes });
  return step(
    {
      kind: "failing-over",
      sentence: `${down.evidence}; ${chosen.view.name} takes its place (${gapText(gapBytes)})`,
      writable: false,
    },
    { actions: [{ ...action, service: service.name }], busy: true },
  );
}

/**
 * A master that has certainly ended is no flap, whatever the last one was: waiting would be an outage, and one that begins
 * anew without its data takes its replicas' copies with it as soon as they find it.
 */
function cooldownUntilMs({ memory, roles }: RedisSituation, cause: RedisCause): number {
  const isCertain = cause === "gone" || cause === "restarted";
  if (!isCertain || memory.last === null) return memory.cooldownUntilMs;
  return Math.min(memory.cooldownUntilMs, memory.last.atMs + roles.downAfterMs);
}

/** The one that was begun with if it still qualifies; else whom a person named; else the best. */
function choose({ memory, nodes }: RedisSituation, { eligible }: Field): Candidate | null {
  const begun = eligible.find(({ view }) => view.containerId === memory.change?.to.containerId);
  if (begun !== undefined) return begun;
  const { wish } = memory;
  if (wish?.kind !== "promote" || wish.to === null) {
    if (wish?.kind !== "promote" || eligible.length > 0) return eligible[0] ?? null;
  }
  // A person answers for what the rules would refuse, except for a copy that is not complete.
  const named = nodes
    .flatMap((view): Candidate[] => {
      const node = sayingOf(view);
      return node === null || node.loading || node.follows?.syncing === true ? [] : [{ view, node }];
    })
    .sort((a, b) => b.node.offset - a.node.offset)
    .find(({ view }) => wish.to === null || view.name === wish.to || String(view.slot) === wish.to);
  return named ?? null;
}

/**
 * A demoted master has all that it had as long as it has not been linked to whom it follows now. One of priority 0 is
 * never promoted, whatever it was before.
 */
function itself({ nodes }: RedisSituation, { containerId, runId }: RedisMasterMemory): Candidate | null {
  const view = nodes.find((one) => one.containerId === containerId);
  const node = view === undefined ? null : sayingOf(view);
  if (view === undefined || node?.follows == null || node.runId !== runId || node.loading) return null;
  if (node.priority === 0) return null;
  const { up, syncing, downForMs } = node.follows;
  return up || syncing || downForMs !== null ? null : { view, node };
}

function noneEligible(situation: RedisSituation, because: Because, { refused }: Field): RedisStep {
  const reasons = refused.length === 0 ? "there is no replica" : refused.slice(0, 5).join("; ");
  return wait(
    situation,
    because,
    "none-eligible",
    `no replica can take its place: ${reasons}. \`heal redis promote ${situation.service.name}\` decides otherwise`,
  );
}

/** How far the last word of the old master was ahead; null when it was never heard, or was about another history. */
function gapOf({ nodes, gone }: RedisSituation, master: RedisMasterMemory, { node }: Candidate): number | null {
  const own = nodes.find(({ containerId }) => containerId === master.containerId)?.last ?? null;
  const past = gone[master.runId] ?? null;
  const last = [own, past].find((one) => one !== null && one.node.runId === master.runId) ?? null;
  if (last === null) return null;
  const { replicationId, secondReplicationId, offset } = last.node;
  const isComparable = node.replicationId === replicationId || node.replicationId === secondReplicationId;
  return isComparable ? Math.max(0, offset - node.offset) : null;
}

function gapText(gapBytes: number | null): string {
  return gapBytes === null ? "what is lost cannot be told" : `${gapBytes} bytes of the history are known to be missing`;
}

function tooMuch(
  situation: RedisSituation,
  because: Because,
  { view }: Candidate,
  gapBytes: number | null,
): RedisStep | null {
  const { maxDataLossBytes } = situation.roles;
  if (maxDataLossBytes === null || situation.memory.wish?.kind === "promote") return null;
  if (gapBytes !== null && gapBytes <= maxDataLossBytes) return null;
  return wait(
    situation,
    because,
    "too-much-loss",
    `${view.name} could take its place, but ${gapText(gapBytes)} and ${maxDataLossBytes} are allowed; ` +
      `\`heal redis promote ${situation.service.name}\` accepts that`,
  );
}

function promotion(
  { memory, nodes, service, instances, registrations }: RedisSituation,
  because: Because,
  {
    master,
    down,
    chosen,
    gapBytes,
  }: {
    readonly master: RedisMasterMemory;
    readonly down: Down;
    readonly chosen: Candidate;
    readonly gapBytes: number | null;
  },
): PromoteReplica {
  const { view } = chosen;
  const isRepeated = memory.change?.to.containerId === view.containerId;
  const others = nodes.filter((other) => other.containerId !== view.containerId && sayingOf(other)?.role === "replica");
  const old = instances.find(({ container }) => container.id === master.containerId);
  const own = old?.registration ?? registrations.find(({ meta }) => meta[META.container] === master.name);
  const from: RedisRef = {
    containerId: master.containerId,
    name: master.name,
    host: master.host,
    registration: own === undefined ? null : registrationKey(own),
    address: master.peer,
    peer: master.peer,
    runId: master.runId,
  };
  return {
    kind: "promote-replica",
    service: service.name,
    epoch: isRepeated && memory.change !== null ? memory.change.epoch : memory.epoch + 1,
    cause: memory.wish?.kind === "promote" ? "person" : down.cause,
    from,
    fence: down.fence,
    to: refOf(view),
    others: others.map(refOf),
    gapBytes,
    because: { ...because, evidence: `${because.evidence}; ${gapText(gapBytes)}` },
  };
}
