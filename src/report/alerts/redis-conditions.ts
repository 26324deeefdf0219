import type { AlertCondition, AlertFacts, Conditions, ServiceFacts } from "../../model/alert.ts";
import type { RedisMemory, RedisPastChange, RedisStanding, RedisStandingKind } from "../../model/redis.ts";
import { alertKey, command, condition, routeOf } from "./condition.ts";
import { silenceAdvice } from "./service-texts.ts";
import { named, said, shellWord } from "./wording.ts";

/** How long a change of master is told of after it is over. */
const TOLD_FOR_MS = 300_000;
/** A failover that works is over before anybody could read of it. */
const ROLES_WAIT_MS = 5_000;

/** One entry per Redis service: its roles are not as they should be, and its master has changed unplanned. */
export function redisConditions(facts: AlertFacts): readonly Conditions[] {
  return Object.entries(facts.services)
    .filter(([, { service }]) => service.redis !== null)
    .map(([name, service]) => ({
      holding: [roles(facts, name, service), failedOver(facts, name, service)].filter((one) => one !== null),
      unclear: service.standing?.redis === undefined ? [alertKey(facts, "redis-roles", name)] : [],
    }));
}

function roles(facts: AlertFacts, name: string, service: ServiceFacts): AlertCondition | null {
  const redis = service.standing?.redis;
  if (redis === undefined || (redis.writable && (redis.kind === "well" || redis.kind === "starting"))) return null;
  return condition(facts, {
    kind: "redis-roles",
    subject: name,
    severity: redis.writable ? "warning" : "critical",
    services: [name],
    routes: [routeOf(facts, name)],
    sinceMs: memoryOf(service)?.downSinceMs ?? facts.nowMs,
    waitMs: ROLES_WAIT_MS,
    summary: `${named(name)}: Redis ${redis.kind}${redis.writable ? "" : ", nobody can write"}`,
    what: `the Redis roles of ${named(name)} are not as they should be (${redis.kind}): ${said(redis.sentence)}`,
    doing: doingAbout(redis),
    advice: [
      `${command(facts, `redis status ${shellWord(name)}`)} shows roles, offsets, links and tags.`,
      ...(needsPerson.has(redis.kind) && !redis.writable
        ? [`${command(facts, `redis promote ${shellWord(name)} --to INSTANCE`)} decides who is the master.`]
        : []),
      ...(remedies[redis.kind] ?? []),
      silenceAdvice(facts, name),
    ],
    // Also which start waits until nobody can take a new instance for the old master.
    evidence: service.holds
      .filter(({ because, heldBy }) => because.rule.startsWith("redis") || heldBy === "redis-data")
      .map(({ because, reason }) => `${said(because.evidence)}: ${said(reason)}`),
  });
}

function failedOver(facts: AlertFacts, name: string, service: ServiceFacts): AlertCondition | null {
  const last = memoryOf(service)?.last ?? null;
  if (last === null || !isUnplanned(last) || facts.nowMs - last.atMs >= TOLD_FOR_MS) return null;
  const gap =
    last.gapBytes === null ? "what was lost cannot be told" : `${last.gapBytes} bytes are known to be missing`;
  return condition(facts, {
    kind: "redis-failover",
    subject: name,
    severity: "warning",
    services: [name],
    routes: [routeOf(facts, name)],
    sinceMs: last.atMs,
    waitMs: 0,
    summary: `${named(name)}: Redis master changed (${last.cause}), ${gap}`,
    what: `${named(last.to)} is the master of ${named(name)} in place of ${named(last.from ?? "nobody")} (${last.cause}); ${gap}`,
    doing: `Has made the change in ${last.tookMs} ms, and looks after the replicas.`,
    advice: [
      `${command(facts, `redis status ${shellWord(name)}`)} shows how it stands now.`,
      `${command(facts, `why ${shellWord(name)}`)} shows what was seen and done, step by step.`,
    ],
    // Each step ends with its time.
    evidence: (last.timeline ?? "")
      .split(/(?<= ms), /)
      .filter((step) => step !== "")
      .map(said),
  });
}

function isUnplanned({ cause }: RedisPastChange): boolean {
  return cause !== "first" && cause !== "adopted" && cause !== "switchover";
}

function memoryOf({ memory }: ServiceFacts): RedisMemory | null {
  return memory.redis as RedisMemory | null;
}

/** Where nobody can write, a person may say who is the master. */
const needsPerson: ReadonlySet<RedisStandingKind> = new Set([
  "none-eligible",
  "too-much-loss",
  "two-masters",
  "stranger",
  "master-silent",
]);

/** What a person can mend, beside deciding who is the master. */
const remedies: Partial<Record<RedisStandingKind, readonly string[]>> = {
  "none-eligible": ["Or mend what keeps a replica from it, as named above: it is promoted as soon as it qualifies."],
  "wrong-password": ["Mend `redis.auth` of the service, or the password of the node that is named above."],
  unseen: [
    "Mend what keeps the one that is named above from answering. If it is lost for good, end its container; what only it held is then given up.",
  ],
  "cannot-save": ["Make room on its disk, or have a replica that has room take over: `redis switchover`."],
  "replicas-lag-behind": [
    "Its log says why; look at the network between it and the master, and at the room on its disk.",
  ],
  "too-few-replicas": [
    "Look at the logs of the replicas and at the network between them and the master: it takes writes again by itself.",
    "If writes on fewer copies are better than none, lower `minReplicasToWrite` of the service.",
  ],
  diverged: ["Once it follows the master, its own data is in the file that its log and the history name."],
};

function doingAbout({ kind, writable }: RedisStanding): string {
  if (kind === "stranger") {
    return writable
      ? "Makes it follow the master, its own data kept aside first where the master does not have it."
      : "Leaves all as it is: whom it follows may be the true master, though it is none of ours.";
  }
  return doing[kind] ?? "Goes on looking, and acts as soon as it safely can.";
}

const doing: Partial<Record<RedisStandingKind, string>> = {
  starting: "Waits until the instances are there, and makes one of them the master.",
  "failing-over": "Is changing the master; whoever looks next goes on from what the nodes say.",
  loading: "Waits until it has loaded its data, as nobody else may have all of it.",
  chain: "Makes it follow the master itself, its own data kept aside first where the master does not have it.",
  "replicas-lag-behind":
    "Leaves it to Redis, which tries the link again by itself; such a replica is promoted last, or not at all.",
  "none-eligible":
    "Promotes nobody: each of the replicas could lose more than it saves. Starts nothing that they could take for the " +
    "old master. Goes on once one qualifies.",
  unseen: "Waits: who cannot be asked may be the master, or hold its data. Starts nothing in its old place.",
  "too-much-loss": "Waits for a person, as the service's maxDataLoss says.",
  "two-masters": "Touches neither: making one a replica deletes what it holds.",
  "wrong-password": "Leaves that node alone and tries the password again, as it may be changed at any time.",
  diverged: "Keeps the data that the master does not have in a file of its own, and makes the node a replica.",
  "cannot-save":
    "Leaves the master as it is: nobody else has more. A switchover to a replica whose disk has room is safe.",
  "too-few-replicas":
    "Starts what is missing and attaches it to the master. Asks nobody else to take over: the master has all the data.",
  "master-silent": "Waits until the replicas agree that the master is down: it may only be out of our sight.",
};
