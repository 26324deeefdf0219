import type { SwitchOver } from "../model/action.ts";
import type { RedisNode, RedisRef } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import { RedisError } from "../ports/redis.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused } from "./hands.ts";
import type { RedisAccess } from "./redis-access.ts";
import { accessOf, endpointOf, rolesOf, toolsOf } from "./redis-access.ts";
import { openTimeline } from "./redis-timeline.ts";

const ASK_WITHIN_MS = 500;
/** Redis itself gives up then, and everything is as before. */
const HAND_OVER_WITHIN_MS = 3_000;
const POLL_MS = 3;

/**
 * Hands the master role over without losing a write: Redis holds the writes of its clients, waits until the replica has
 * all of them, and changes places with it (`FAILOVER`, since 6.2). Older ones are held and changed by `heal`, in the same
 * order. The tags are swapped in one transaction once the new master says that it is one.
 */
export async function switchOver(hands: Hands, service: Service, action: SwitchOver): Promise<string | null> {
  const { nodes, tags } = toolsOf(hands);
  const { masterTag, replicaTag } = rolesOf(service);
  const access = await accessOf(hands, service);
  const timeline = openTimeline(hands.clock);
  const target = await announcedAs(hands, access, action);
  hands.fence();
  try {
    await nodes.handOver(endpointOf(access, action.from), target, HAND_OVER_WITHIN_MS);
    timeline.add("hand-over begun");
    await becomesMaster(hands, access, action);
  } catch (error) {
    if (!(error instanceof RedisError) || error.kind !== "failing") throw error;
    await handOverByHand(hands, access, action);
  }
  timeline.add(`${action.to.name} is master`);
  const id = action.from.registrationId;
  const others = action.others.flatMap(({ registrationId }) => registrationId ?? []);
  await tags.retag(
    {
      consulName: service.consul?.name ?? service.name,
      masterTag,
      replicaTag,
      master: action.to.registrationId,
      replicas: id === null ? [] : [id],
      unsure: others,
    },
    hands.fence,
  );
  timeline.add("tags swapped");
  for (const other of action.others) {
    hands.fence();
    // Who cannot be re-pointed now is found by the next look.
    await nodes.follow(endpointOf(access, other), action.to.peer).catch(ignoreRedis);
  }
  if (action.others.length > 0) timeline.add("the others re-pointed");
  return timeline.text();
}

function ignoreRedis(error: unknown): void {
  if (!(error instanceof RedisError)) throw error;
}

/** The master must know the replica by the address that it is told. */
async function announcedAs(hands: Hands, access: RedisAccess, { from, to }: SwitchOver) {
  const master = await toolsOf(hands).nodes.look(endpointOf(access, from), ASK_WITHIN_MS);
  if (master.role !== "master") throw new ActionRefused(`${from.name} is not a master any more`, "later");
  const follower = master.followers.find(({ address, online }) => online && isSame(address, to));
  if (follower === undefined) throw new ActionRefused(`${from.name} does not list ${to.name} as online`, "later");
  return follower.address;
}

function isSame(address: RedisRef["peer"], to: RedisRef): boolean {
  return [to.peer, to.address].some(({ host, port }) => host === address.host && port === address.port);
}

async function becomesMaster(hands: Hands, access: RedisAccess, { from, to }: SwitchOver): Promise<void> {
  const { nodes } = toolsOf(hands);
  const untilMs = hands.clock.steadyMs() + HAND_OVER_WITHIN_MS + ASK_WITHIN_MS;
  for (;;) {
    const [young, old] = await Promise.all([
      nodes.look(endpointOf(access, to), ASK_WITHIN_MS),
      nodes.look(endpointOf(access, from), ASK_WITHIN_MS),
    ]);
    if (young.role === "master") return;
    if (old.role === "master" && !old.handingOver) {
      throw new ActionRefused(`${to.name} did not catch up in time; ${from.name} goes on as master`, "later");
    }
    if (hands.clock.steadyMs() >= untilMs) throw new RedisError("silent", "the hand-over does not come to an end");
    await hands.clock.sleep(POLL_MS);
  }
}

/** Before Redis 6.2: hold all clients, wait for the replica, promote it, demote the old one. */
async function handOverByHand(hands: Hands, access: RedisAccess, { from, to }: SwitchOver): Promise<void> {
  const { nodes } = toolsOf(hands);
  const [old, young] = [endpointOf(access, from), endpointOf(access, to)];
  hands.fence();
  await nodes.pauseWrites(old, HAND_OVER_WITHIN_MS);
  try {
    await caughtUp(hands, await nodes.look(old, ASK_WITHIN_MS), () => nodes.look(young, ASK_WITHIN_MS), to);
    hands.fence();
    await nodes.follow(young, null);
    await nodes.follow(old, to.peer);
  } finally {
    await nodes.pauseWrites(old, 0).catch(ignoreRedis);
  }
}

async function caughtUp(hands: Hands, master: RedisNode, look: () => Promise<RedisNode>, to: RedisRef): Promise<void> {
  const untilMs = hands.clock.steadyMs() + HAND_OVER_WITHIN_MS / 2;
  while ((await look()).offset < master.offset) {
    if (hands.clock.steadyMs() >= untilMs) throw new ActionRefused(`${to.name} does not catch up`, "later");
    await hands.clock.sleep(POLL_MS);
  }
}
