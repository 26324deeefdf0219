import type { PromoteReplica } from "../model/action.ts";
import type { RedisNode, RedisRef, RegistrationKey } from "../model/redis.ts";
import { isPartOf } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import { RedisError } from "../ports/redis.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";
import type { RedisAccess } from "./redis-access.ts";
import { accessOf, endpointOf, rolesOf, toolsOf } from "./redis-access.ts";
import type { RedisOutcome } from "./redis-agent.ts";
import { forgetMaster } from "./redis-agent.ts";
import { configureNode } from "./redis-configure.ts";
import { openTimeline } from "./redis-timeline.ts";

const ASK_WITHIN_MS = 500;
const STALE_AFTER_MS = 1_000;
const CONFIRM_WITHIN_MS = 2_000;
/** A partial copy takes some milliseconds; who needs longer is attached after the tags, one at a time. */
const LINK_WITHIN_MS = 150;
const POLL_MS = 4;
/** Docker's way to end a process that does not listen any more. */
const FENCE_GRACE_MS = 0;
const FENCE_WITHIN_MS = 100;

/**
 * Makes a replica the master. The order is that of the safest failover that is still quick: nobody is sent to the old
 * master any more before anything else; it is fenced; the replica is promoted and must say so itself before it gets the
 * tag; and the others follow it first, because it may not take writes without them. Whoever finds this half done does it
 * again from the beginning: each step is the same the second time.
 */
export async function promoteReplica(hands: Hands, service: Service, action: PromoteReplica): Promise<RedisOutcome> {
  const { tags } = toolsOf(hands);
  const { masterTag, replicaTag } = rolesOf(service);
  const consulName = service.consul?.name ?? service.name;
  const access = await accessOf(hands, service);
  const timeline = openTimeline(hands.clock);
  const keysOf = (refs: readonly RedisRef[]): readonly RegistrationKey[] =>
    refs.flatMap(({ registration }) => registration ?? []);
  const known = keysOf([action.to, ...action.others]);

  const giveNobodyTheTag = async (): Promise<void> => {
    if (action.from === null) return;
    await tags.retag({ consulName, masterTag, replicaTag, master: null, replicas: [], unsure: known }, hands.fence);
    timeline.add("old master untagged");
    await fence(hands, action, timeline.add);
  };
  const lookAtChosen = () => toolsOf(hands).nodes.look(endpointOf(access, action.to), ASK_WITHIN_MS);
  const askedAtMs = hands.clock.steadyMs();
  const [first] = await Promise.all([lookAtChosen(), giveNobodyTheTag()]);
  // A process may be suspended in between, or Consul slow: what was said so long ago says nothing about now.
  const before = hands.clock.steadyMs() - askedAtMs > STALE_AFTER_MS ? await lookAtChosen() : first;
  mustBe(before, action.to);
  mustStillQualify(before, action);
  const ended = action.cause === "gone" || action.fence === "stop-container";
  const { from, others } = action;
  const forgotten = from === null ? null : forgetMaster(hands, service, { from, others }, ended);
  const promoted = promote(hands, service, access, action.to, before).then((master) => {
    timeline.add(`${action.to.name} promoted`);
    return repoint(hands, access, action, master);
  });
  // The old master's agent has forgotten the tag before anybody else gets it; the nodes need not wait for that.
  const [attached, told] = await Promise.all([promoted, forgotten]);
  if (action.others.length > 0) timeline.add(`${attached.length} of ${action.others.length} replicas follow`);
  const rest = keysOf(action.others.filter((other) => !attached.includes(other)));
  await tags.retag(
    { consulName, masterTag, replicaTag, master: action.to.registration, replicas: keysOf(attached), unsure: rest },
    hands.fence,
  );
  timeline.add(action.to.registration === null ? "not registered, so not tagged yet" : "tagged");
  return { note: timeline.text(), untold: from === null || told === true ? [] : [from.containerId] };
}

/**
 * A hung process may wake up and take writes from those who never asked Consul again; so it is ended for good. The order
 * kills it at once; that Docker has also cleared up after it is not waited for.
 */
async function fence(hands: Hands, action: PromoteReplica, done: (what: string) => void): Promise<void> {
  const { from } = action;
  if (from === null || action.fence === "none") return;
  hands.fence();
  const ended = engineOf(hands, from.host)
    .stop(from.containerId, FENCE_GRACE_MS)
    .then(
      () => "old master stopped",
      // Out of reach for Docker as well: its writes are bounded by min-replicas-to-write.
      (error: unknown) => `old master out of reach (${error instanceof Error ? error.message : String(error)})`,
    );
  const sent = hands.clock.sleep(FENCE_WITHIN_MS).then(() => "old master told to stop");
  done(await Promise.race([ended, sent]));
}

async function promote(
  hands: Hands,
  service: Service,
  access: RedisAccess,
  to: RedisRef,
  before: RedisNode,
): Promise<RedisNode> {
  const { nodes } = toolsOf(hands);
  const at = endpointOf(access, to);
  const untilMs = hands.clock.steadyMs() + CONFIRM_WITHIN_MS;
  hands.fence();
  const told =
    before.role === "replica"
      ? nodes.follow(at, null)
      : // Not a replica that was configured when it was attached: a first master, or a repetition.
        configureNode(hands, service, access, to);
  for (let first = true; ; first = false) {
    // Sent at once behind the order: a connection's commands are answered one after the other.
    const [now] = await Promise.all([nodes.look(at, ASK_WITHIN_MS), first ? told : null]);
    mustBe(now, to);
    if (now.role === "master") return now;
    if (hands.clock.steadyMs() >= untilMs) throw new RedisError("silent", `${to.name} does not become a master`);
    await hands.clock.sleep(POLL_MS);
  }
}

/** Another process at the same address, or the same one started anew without its data, is not what was chosen. */
function mustBe(node: RedisNode, ref: RedisRef): void {
  if (ref.runId === null || node.runId === ref.runId) return;
  throw new ActionRefused(`${ref.name} was started anew since it was chosen`, "later");
}

/** It was chosen by what it said a moment before. A person answers for a priority, but not for data that is not there. */
function mustStillQualify({ role, loading, follows, priority }: RedisNode, { to, cause }: PromoteReplica): void {
  if (role === "master") return;
  const isSpared = priority === 0 && cause !== "person";
  if (!loading && follows?.syncing !== true && !isSpared) return;
  const reason = isSpared ? "its priority is 0 by now" : "its copy of the data is not complete any more";
  throw new ActionRefused(`${to.name} was chosen to be the master, but ${reason}`, "later");
}

/**
 * Re-points the others one at a time; ends at the first that does not follow quickly. Resolves to those that do. One that
 * has more than the new master is let go instead, so that nothing overwrites it before that has been kept aside: not the
 * new master's data, nor what the next container at the old master's address would have.
 */
async function repoint(
  hands: Hands,
  access: RedisAccess,
  { to, others }: PromoteReplica,
  master: RedisNode,
): Promise<readonly RedisRef[]> {
  const { nodes } = toolsOf(hands);
  const attached: RedisRef[] = [];
  for (const other of others) {
    try {
      const at = endpointOf(access, other);
      const node = await nodes.look(at, ASK_WITHIN_MS);
      const isAhead = !node.empty && !isPartOf(node, master);
      hands.fence();
      await nodes.follow(at, isAhead ? null : to.peer);
      if (isAhead) continue;
      if (!(await linksUp(hands, access, other, to))) break;
      attached.push(other);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
    }
  }
  return attached;
}

async function linksUp(hands: Hands, access: RedisAccess, other: RedisRef, to: RedisRef): Promise<boolean> {
  const { nodes } = toolsOf(hands);
  const untilMs = hands.clock.steadyMs() + LINK_WITHIN_MS;
  for (;;) {
    const node = await nodes.look(endpointOf(access, other), ASK_WITHIN_MS);
    const { host, port } = node.follows?.master ?? { host: "", port: 0 };
    if (node.follows?.up === true && host === to.peer.host && port === to.peer.port) return true;
    if (hands.clock.steadyMs() >= untilMs) return false;
    await hands.clock.sleep(POLL_MS);
  }
}
