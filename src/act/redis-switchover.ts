import type { SwitchOver } from "../model/action.ts";
import type { RedisNode, RedisRef } from "../model/redis.ts";
import { isPartOf } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import { RedisError } from "../ports/redis.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused } from "./hands.ts";
import type { RedisAccess } from "./redis-access.ts";
import { accessOf, endpointOf, rolesOf, toolsOf } from "./redis-access.ts";
import type { RedisOutcome } from "./redis-agent.ts";
import { forgetMaster } from "./redis-agent.ts";
import { holdWrites, ignoreRedis } from "./redis-hold-writes.ts";
import { openTimeline } from "./redis-timeline.ts";

const ASK_WITHIN_MS = 500;
/** By then everything is done or given up: well before the writes go on by themselves. */
const CATCH_UP_WITHIN_MS = 1_000;
const CHANGE_WITHIN_MS = 2_000;
/** What a master that writes no more has sent is there in a moment. */
const LAST_BYTES_WITHIN_MS = 200;
const POLL_MS = 2;

/**
 * Hands the master role over without losing a write, in the order of Redis's own `FAILOVER` and without its wait of up
 * to a second for the replica's next acknowledgement: the master holds its clients' writes; the replica itself says that
 * it has all of them; the old master becomes a replica, so that from here on nobody takes writes that could be lost; the
 * replica becomes the master; the tags are swapped in one transaction once it says so. Ends as it began when the replica
 * does not catch up.
 */
export async function switchOver(hands: Hands, service: Service, action: SwitchOver): Promise<RedisOutcome> {
  const { nodes } = toolsOf(hands);
  const access = await accessOf(hands, service);
  const timeline = openTimeline(hands.clock);
  const { from, to } = action;
  const old = endpointOf(access, from);
  mustBe(await nodes.look(old, ASK_WITHIN_MS), from, "master");
  mustBe(await nodes.look(endpointOf(access, to), ASK_WITHIN_MS), to, "replica");
  const told = await forgetMaster(hands, service, action, false);
  const heldAtMs = hands.clock.steadyMs();
  const writes = await holdWrites(hands, service, access, from);
  let master: RedisNode;
  try {
    await caughtUp(hands, access, action);
    timeline.add(`writes ${writes.kind}, replica caught up`);
    hands.fence();
    if (hands.clock.steadyMs() - heldAtMs > CHANGE_WITHIN_MS)
      throw new ActionRefused(`${from.name} is too slow`, "later");
    if (writes.kind === "refused") await setAside(hands, access, action);
    else await nodes.follow(old, to.peer);
    master = await becomesMaster(hands, access, to);
    timeline.add(`${to.name} is master`);
    if (writes.kind === "refused") await nodes.follow(old, to.peer).catch(ignoreRedis);
    await swapTags(hands, service, action);
    timeline.add("tags swapped");
  } finally {
    // Whoever still waits there is told at once that it is a replica now, or may go on.
    await writes.letGo();
  }
  for (const other of action.others) await repoint(hands, access, other, { to, master }).catch(ignoreRedis);
  if (action.others.length > 0) timeline.add("the others re-pointed");
  return { note: timeline.text(), untold: told ? [] : [from.containerId] };
}

function mustBe(node: RedisNode, { name, runId }: RedisRef, role: RedisNode["role"]): void {
  if (node.role !== role) throw new ActionRefused(`${name} is not a ${role} any more`, "later");
  if (runId !== null && node.runId !== runId) throw new ActionRefused(`${name} was started anew`, "later");
}

/** The master's offset stands still but for its pings; the replica has all writes when it has come as far. */
async function caughtUp(hands: Hands, access: RedisAccess, { from, to }: SwitchOver): Promise<void> {
  const { nodes } = toolsOf(hands);
  const untilMs = hands.clock.steadyMs() + CATCH_UP_WITHIN_MS;
  const master = await nodes.look(endpointOf(access, from), ASK_WITHIN_MS);
  for (;;) {
    const replica = await nodes.look(endpointOf(access, to), ASK_WITHIN_MS);
    if (replica.offset >= master.offset && replica.follows?.up === true) return;
    if (hands.clock.steadyMs() >= untilMs) {
      throw new ActionRefused(`${to.name} did not catch up in time; ${from.name} goes on as master`, "later");
    }
    await hands.clock.sleep(POLL_MS);
  }
}

/**
 * Ends what a master writes where some of its clients still could: it becomes a replica of itself, which it can copy
 * nothing from, and says where its history has ended. Unless the replica has all of that it is the master again. Before
 * Redis 7 it sends nothing more once it is a replica, so that all should have arrived before.
 */
async function setAside(hands: Hands, access: RedisAccess, { from, to }: SwitchOver): Promise<void> {
  const { nodes } = toolsOf(hands);
  const old = endpointOf(access, from);
  await nodes.follow(old, from.peer);
  const untilMs = hands.clock.steadyMs() + LAST_BYTES_WITHIN_MS;
  const ended = await nodes.look(old, ASK_WITHIN_MS);
  mustBe(ended, from, "replica");
  for (;;) {
    const replica = await nodes.look(endpointOf(access, to), ASK_WITHIN_MS);
    mustBe(replica, to, "replica");
    if (replica.offset >= ended.offset) return;
    if (hands.clock.steadyMs() >= untilMs) break;
    await hands.clock.sleep(POLL_MS);
  }
  hands.fence();
  await nodes.follow(old, null);
  throw new ActionRefused(`${from.name} was written to until the end; it goes on as master`, "later");
}

/** Who cannot be re-pointed now is found by the next look, and so is one whose data is to be kept aside first. */
async function repoint(
  hands: Hands,
  access: RedisAccess,
  other: RedisRef,
  { to, master }: { readonly to: RedisRef; readonly master: RedisNode },
): Promise<void> {
  const { nodes } = toolsOf(hands);
  const at = endpointOf(access, other);
  const node = await nodes.look(at, ASK_WITHIN_MS);
  if (!node.empty && !isPartOf(node, master)) return;
  hands.fence();
  await nodes.follow(at, to.peer);
}

async function becomesMaster(hands: Hands, access: RedisAccess, to: RedisRef): Promise<RedisNode> {
  const { nodes } = toolsOf(hands);
  const at = endpointOf(access, to);
  hands.fence();
  await nodes.follow(at, null);
  const node = await nodes.look(at, ASK_WITHIN_MS);
  if (node.role !== "master") throw new RedisError("silent", `${to.name} does not become a master`);
  return node;
}

async function swapTags(hands: Hands, service: Service, { from, to, others }: SwitchOver): Promise<void> {
  const { masterTag, replicaTag } = rolesOf(service);
  await toolsOf(hands).tags.retag(
    {
      consulName: service.consul?.name ?? service.name,
      masterTag,
      replicaTag,
      master: to.registration,
      replicas: from.registration === null ? [] : [from.registration],
      unsure: others.flatMap(({ registration }) => registration ?? []),
    },
    hands.fence,
  );
}
