/**
 * Nobody is remembered as the master: at the very first start, or when a group that was there before is taken on. It is
 * taken as it is found where it is of one mind. Where all are new and empty the first slot becomes the master. Two that
 * could each be the true one are left alone until a person decides.
 */
import type { Because } from "../../model/action.ts";
import type { RedisCause, RedisMemory, RedisNode, RedisNodeView } from "../../model/redis.ts";
import { isPartOf, registrationKey } from "../../model/redis.ts";
import { fieldOf } from "./candidates.ts";
import { masterOf, nodeAt, refOf, sayingOf } from "./node.ts";
import type { RedisSituation, RedisStep } from "./situation.ts";
import { step, wait } from "./situation.ts";

const RULE = "redis-first-master";
/** Instances of one start come up within this; then those that are there begin without the others. */
const GATHER_MS = 20_000;

interface Seen {
  readonly view: RedisNodeView;
  readonly node: RedisNode;
}

/** `because` says why there is none to go by. */
export function firstMaster(situation: RedisSituation, evidence: string): RedisStep {
  const { nodes, silentHosts, memory, nowMs, service, instances } = situation;
  const because: Because = { rule: RULE, evidence };
  const silent = Object.keys(silentHosts)[0];
  if (silent !== undefined) {
    return wait(situation, because, "unseen", `the master may run on ${silent}, which does not answer`);
  }
  const unseen = nodes.find((view) => sayingOf(view) === null);
  if (unseen !== undefined) {
    const kind = unseen.trouble?.kind === "denied" ? "wrong-password" : "unseen";
    return wait(situation, because, kind, `${unseen.name} may be the master: ${reasonOf(unseen)}`, {
      untilMs: nowMs + 500,
    });
  }
  const seen = nodes.map((view): Seen => ({ view, node: sayingOf(view) as RedisNode }));
  const loading = seen.find(({ node }) => node.loading);
  if (loading !== undefined) {
    return wait(situation, because, "loading", `${loading.view.name} is loading its data`, { untilMs: nowMs + 500 });
  }
  const pending = instances.some(({ container }) => container.state === "created" || container.state === "restarting");
  const isWhole = seen.length >= service.count && !pending;
  const sinceMs = memory.waitingSinceMs ?? nowMs;
  // When one begins to run is told by its engine.
  if (seen.length === 0) return { ...wait(situation, because, "starting", "no instance runs yet"), memory };
  if (!isWhole && nowMs - sinceMs < GATHER_MS) {
    const reason = `${seen.length} of ${service.count} instances are there`;
    const waiting = wait(situation, because, "starting", reason, { untilMs: sinceMs + GATHER_MS });
    return { ...waiting, memory: { ...memory, waitingSinceMs: sinceMs } };
  }
  return decideAmong(situation, because, seen);
}

function decideAmong(situation: RedisSituation, because: Because, seen: readonly Seen[]): RedisStep {
  const masters = seen.filter(({ node }) => node.role === "master");
  if (masters.length === 0) return onlyReplicas(situation, because);
  const { wish } = situation.memory;
  const named = masters.find(({ view }) => wish?.to === view.name || wish?.to === String(view.slot));
  if (wish?.kind === "promote" && named !== undefined) return take(situation, named, "person");
  const marked = masters.filter((one) => carriesWeight(situation, one));
  const lead = marked[0];
  if (marked.length === 1 && lead !== undefined) return take(situation, lead, "adopted");
  if (marked.length === 0) {
    // An empty node that calls itself a master, beside replicas with data whose master is lost, is a new one.
    if (seen.some(({ node }) => !node.empty)) return onlyReplicas(situation, because);
    const first = masters.toSorted(
      (a, b) => (a.view.slot ?? Infinity) - (b.view.slot ?? Infinity) || compareNames(a, b),
    )[0];
    if (first !== undefined) return take(situation, first, "first");
  }
  // After a loss of everything at once each has its own data; the one in the master's old place has the newest.
  const before = situation.memory.master;
  const again = marked.find(({ view, node }) => before !== null && view.slot === before.slot && !node.empty);
  if (again !== undefined) return take(situation, again, "restarted");
  return wait(
    situation,
    because,
    "two-masters",
    `${marked.map(({ view }) => view.name).join(" and ")} each have data or replicas of their own; ` +
      `\`heal redis promote ${situation.service.name} --to NAME\` says which one is right`,
  );
}

/** Something would be lost if it were made a replica of another. */
function carriesWeight({ nodes, registrations, roles }: RedisSituation, { view, node }: Seen): boolean {
  const tagged = registrations.some(
    (one) => registrationKey(one) === view.registration && one.tags.includes(roles.masterTag),
  );
  // One that began anew, also at the address of another, has its tag and its replicas, and not what they hold.
  const isBehind = nodes.some((other) => {
    const said = other.containerId === view.containerId ? null : sayingOf(other);
    return said !== null && !said.empty && !isPartOf(said, node);
  });
  const followed = nodes.some((other) => {
    const said = sayingOf(other);
    if (said?.follows == null || nodeAt([view], said.follows.master) === null) return false;
    return said.empty || isPartOf(said, node);
  });
  return !node.empty || (tagged && !isBehind) || followed;
}

/** A group whose master was lost before it was taken on. */
function onlyReplicas(situation: RedisSituation, because: Because): RedisStep {
  const { service, memory, nodes } = situation;
  const strangers = nodes.filter((view) => {
    const follows = sayingOf(view)?.follows ?? null;
    return follows !== null && follows.up && nodeAt(nodes, follows.master) === null;
  });
  const first = strangers[0];
  if (first !== undefined) {
    const follows = sayingOf(first)?.follows?.master;
    return wait(
      situation,
      because,
      "stranger",
      `${first.name} follows ${follows?.host}:${follows?.port}, which is not an instance of this service; ` +
        `\`heal redis promote ${service.name} --to NAME\` makes one of them the master`,
    );
  }
  // How long the master has been gone nobody remembers, so nobody is too late to take its place.
  const { eligible, refused } = fieldOf(situation, null, Number.POSITIVE_INFINITY);
  const { wish } = memory;
  const best = eligible.find(({ view }) => wish?.to == null || view.name === wish.to) ?? null;
  if (best === null) {
    return wait(
      situation,
      because,
      "none-eligible",
      `none of the replicas can be made the master: ${refused.join("; ")}`,
    );
  }
  const others = nodes.filter(({ containerId }) => containerId !== best.view.containerId).map(refOf);
  return step(
    { kind: "failing-over", sentence: `${because.evidence}; ${best.view.name} becomes the master`, writable: false },
    {
      busy: true,
      actions: [
        {
          kind: "promote-replica",
          service: service.name,
          epoch: memory.change?.epoch ?? memory.epoch + 1,
          cause: "first",
          from: null,
          fence: "none",
          to: refOf(best.view),
          others,
          gapBytes: null,
          because,
        },
      ],
    },
  );
}

/** What is a master already needs no promotion, only to be remembered as the one. */
function take({ memory }: RedisSituation, { view, node }: Seen, cause: RedisCause): RedisStep {
  const taken: RedisMemory = {
    ...memory,
    epoch: memory.epoch + 1,
    master: masterOf(view, node),
    change: null,
    waitingSinceMs: null,
    wish: null,
  };
  return step(
    { kind: "starting", sentence: `${view.name} is the master (${cause})`, writable: true },
    { memory: taken },
  );
}

function reasonOf({ now }: RedisNodeView): string {
  return now.kind === "unknown" ? now.reason : "";
}

function compareNames(a: Seen, b: Seen): number {
  return a.view.name < b.view.name ? -1 : 1;
}
