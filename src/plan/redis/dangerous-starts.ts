/**
 * An instance that starts may get the address of the master that is gone: its published port, or its place in Docker's
 * network. Replicas that still follow that address would take it for their master, and copy its emptiness. So as long as
 * nobody is the master, nothing starts there that a replica which may have data still looks to.
 */
import type { Action } from "../../model/action.ts";
import type { RedisAddress, RedisNodeView } from "../../model/redis.ts";
import { hasMaster, isSameAddress, registrationKey } from "../../model/redis.ts";
import { holdAll } from "../guards/hold-all.ts";
import type { Proposal } from "../situation.ts";
import { nodeAt, sayingOf } from "./node.ts";
import type { RedisDecision, RedisSituation } from "./situation.ts";

/** Who was never heard, and is not known to be of the group, is waited for this long. */
const UNHEARD_MS = 20_000;

type Outcome = Pick<RedisDecision, "masterId" | "standing">;

export function holdDangerousStarts(proposal: Proposal, situation: RedisSituation, outcome: Outcome): Proposal {
  if (isServed(situation, outcome)) return proposal;
  return proposal.actions.reduce((kept, action) => {
    const place = placeOfStart(action);
    const danger = place === null ? null : dangerOn(place.host, situation);
    return danger === null ? kept : holdAll(kept, "redis-data", danger, null, (one) => one === action);
  }, proposal);
}

/** Where an action has a container started; `host` null: that is not for `heal` to say. null: it starts none. */
function placeOfStart(action: Action): { readonly host: string | null } | null {
  if (action.kind === "start-instance") return action;
  if (action.kind === "scale-compose-service") return action.to > action.from ? action : null;
  return action.kind === "scale-swarm-service" && action.to > action.from ? { host: null } : null;
}

/** Why nothing may be started on the host as things stand; null where nothing can be lost by it. */
function dangerOn(host: string | null, situation: RedisSituation): string | null {
  for (const view of situation.nodes) {
    const reason = dangerTo(view, host, situation);
    if (reason !== null) return reason;
  }
  return null;
}

/** All that its replicas may lose is their copy: somebody has the data. */
function isServed({ nodes }: RedisSituation, { masterId, standing }: Outcome): boolean {
  const master = nodes.find(({ containerId }) => containerId === masterId);
  if (master === undefined || !hasMaster(standing)) return false;
  return sayingOf(master)?.role === "master" || master.trouble?.kind === "denied";
}

function dangerTo(view: RedisNodeView, host: string | null, situation: RedisSituation): string | null {
  const node = sayingOf(view) ?? view.last?.node ?? null;
  if (node === null) {
    return isUnheardOf(view, situation) ? null : `${view.name} does not answer and may have data`;
  }
  if (node.follows === null) return null;
  const { master, up } = node.follows;
  // What it said of itself may be out of date once it is silent, but not whom it follows: it is told that by us.
  if (sayingOf(view) !== null && ((node.empty && !node.loading) || up)) return null;
  if (nodeAt(situation.nodes, master) !== null || !mayBeTaken(master, host, situation)) return null;
  return (
    `${view.name} may have data and still follows ${master.host}:${master.port}, which a new instance may get and would ` +
    "then be copied from, empty as it is; this waits until there is a master again"
  );
}

/** The address of the master that is gone can be had on its own host; of any other nobody knows whose it was. */
function mayBeTaken(address: RedisAddress, host: string | null, { memory }: RedisSituation): boolean {
  const { master } = memory;
  if (host === null || master === null || !isSameAddress(address, master.peer)) return true;
  return master.host === host;
}

/** Neither told the settings by `heal`, nor tagged with a role, nor heard for long enough: it was never of the group. */
function isUnheardOf({ containerId, registration, trouble }: RedisNodeView, situation: RedisSituation): boolean {
  const { memory, registrations, roles, nowMs } = situation;
  const hasRole = registrations.some(
    (one) =>
      registrationKey(one) === registration &&
      (one.tags.includes(roles.masterTag) || one.tags.includes(roles.replicaTag)),
  );
  if (hasRole || memory.configured[containerId] !== undefined || trouble === null) return false;
  return trouble.kind === "refused" || nowMs - trouble.sinceMs >= UNHEARD_MS;
}
