import type { Action, Because } from "../../model/action.ts";
import { isRedisAction } from "../../model/action.ts";
import type { ServiceMemory } from "../../model/memory.ts";
import type { RedisStanding } from "../../model/redis.ts";
import { hasMaster } from "../../model/redis.ts";
import type { Standing } from "../../model/plan.ts";
import { CRITICAL, PASSING, WARNING } from "../../model/status.ts";
import type { Proposal, Situation } from "../situation.ts";
import { decideRoles } from "./decide.ts";
import { holdDangerousStarts } from "./dangerous-starts.ts";
import { successors, switchTo } from "./hand-over.ts";
import { intendRoles, readRedisMemory } from "./memory.ts";
import { sayingOf } from "./node.ts";
import type { RedisDecision, RedisSituation } from "./situation.ts";

/** What is decided about a Redis service beyond the number of its instances; null for any other service. */
export interface Roles {
  readonly situation: RedisSituation;
  readonly decision: RedisDecision;
}

export function rolesOf(situation: Situation): Roles | null {
  const { service, observed, memory, nowMs } = situation;
  if (service.redis === null || observed.redis === undefined) return null;
  const joined = observed.instances.flatMap(({ registration }) => registration ?? []);
  const rest = observed.registry.kind === "known" ? observed.registry.value : { ghosts: [], foreign: [] };
  const given: RedisSituation = {
    service,
    roles: service.redis,
    instances: observed.instances,
    nodes: observed.redis.nodes,
    gone: observed.redis.gone,
    sentinel: observed.redis.sentinel,
    registrations: [...joined, ...rest.ghosts, ...rest.foreign],
    silentHosts: observed.silentHosts,
    memory: readRedisMemory(memory.redis),
    nowMs,
  };
  const decision = decideRoles(given);
  return { situation: { ...given, memory: decision.memory }, decision };
}

/**
 * Brings what is proposed about the instances in line with what is decided about the roles. While the roles change
 * nothing is started or stopped; and the master is never just stopped: it hands its role over first.
 */
export function withRoles(proposal: Proposal, roles: Roles | null): Proposal {
  if (roles === null) return proposal;
  const { decision } = roles;
  const own = { actions: decision.actions, holds: decision.holds };
  if (decision.busy)
    return sum(
      own,
      held(
        proposal,
        (action) => action.kind !== "register-instance",
        "failover",
        "the roles are changing; this follows",
      ),
    );
  return holdDangerousStarts(withoutStopOfMaster(proposal, roles, own), roles.situation, decision);
}

function withoutStopOfMaster(proposal: Proposal, roles: Roles, own: Proposal): Proposal {
  const { decision } = roles;
  const stopsMaster = (action: Action): boolean => takesAway(action, decision.masterId) && hasMaster(decision.standing);
  const stop = proposal.actions.find(stopsMaster);
  if (stop === undefined) return sum(own, proposal);
  const rest = held(
    proposal,
    stopsMaster,
    "redis-master",
    "it is the master, and hands its role over to a replica first",
  );
  const handOver = handOverFor(roles, stop.because);
  return handOver === null
    ? sum(own, rest)
    : sum(
        { actions: [handOver], holds: own.holds },
        held(rest, () => true, "failover", "the roles are changing; this follows"),
      );
}

/** Memory with what was seen of the roles, and what the allowed actions intend. */
export function memoryWithRoles(
  memory: ServiceMemory,
  roles: Roles | null,
  allowed: readonly Action[],
  nowMs: number,
): ServiceMemory {
  if (roles === null) return memory;
  const redis = intendRoles(roles.decision.memory, allowed, nowMs);
  return { ...memory, redis };
}

/** What should have been looked at already would otherwise be looked at again at once, and for ever. */
const OVERDUE_MS = 1_000;

/** The earlier of two times to look again. */
export function lookAgainWithRoles(atMs: number | null, roles: Roles | null): number | null {
  const dueMs = roles?.decision.lookAgainAtMs ?? null;
  if (roles === null || dueMs === null) return atMs;
  const { nowMs } = roles.situation;
  return Math.min(atMs ?? Infinity, dueMs > nowMs ? dueMs : nowMs + OVERDUE_MS);
}

/** A service without a writable master is down, however many of its instances run. */
export function standingWithRoles(standing: Standing, roles: Roles | null): Standing {
  if (roles === null || standing.trust === "blind") return standing;
  const redis = roles.decision.standing;
  const least = !redis.writable ? CRITICAL : isWell(redis) ? PASSING : WARNING;
  const summary = isWell(redis) ? standing.summary : `${standing.summary}; redis: ${redis.kind}, ${redis.sentence}`;
  const status = standing.status === 3 || standing.status >= least ? standing.status : least;
  return { ...standing, status, summary, redis };
}

function isWell({ kind, writable }: RedisStanding): boolean {
  return writable && (kind === "well" || kind === "starting");
}

function handOverFor({ situation, decision }: Roles, because: Because): Action | null {
  if (decision.actions.some(({ kind }) => kind === "promote-replica" || kind === "switch-over")) return null;
  const from = situation.nodes.find(({ containerId }) => containerId === decision.masterId);
  const to = successors(situation)[0];
  if (from === undefined || to === undefined || sayingOf(from)?.role !== "master") return null;
  const others = situation.nodes.filter((view) => view !== from && view !== to);
  return switchTo(situation, from, to, others, `${from.name} is to be stopped: ${because.evidence}`);
}

function takesAway(action: Action, containerId: string | null): boolean {
  if (containerId === null) return false;
  return (
    (action.kind === "stop-instance" || action.kind === "replace-swarm-task") && action.containerId === containerId
  );
}

function held(proposal: Proposal, which: (action: Action) => boolean, heldBy: string, reason: string): Proposal {
  const over = proposal.actions.filter((action) => which(action) && !isRedisAction(action));
  return {
    actions: proposal.actions.filter((action) => !over.includes(action)),
    holds: [
      ...proposal.holds,
      ...over.map(({ service, because }) => ({ service, because, heldBy, reason, untilMs: null })),
    ],
  };
}

function sum(a: Proposal, b: Proposal): Proposal {
  return { actions: [...a.actions, ...b.actions], holds: [...a.holds, ...b.holds] };
}
