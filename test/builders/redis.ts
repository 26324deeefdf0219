import type { Container, Instance, Registration } from "../../src/model/instance.ts";
import { known, unknown } from "../../src/model/known.ts";
import { META } from "../../src/model/labels.ts";
import type { RedisMemory, RedisNode, RedisNodeView, RedisTroubleKind, RedisRef } from "../../src/model/redis.ts";
import { noRedisMemory, registrationKey } from "../../src/model/redis.ts";
import type { RedisRoles } from "../../src/model/service.ts";
import { settingsMark } from "../../src/plan/redis/memory.ts";
import { masterOf } from "../../src/plan/redis/node.ts";
import type { RedisSituation } from "../../src/plan/redis/situation.ts";
import { aService } from "./service.ts";

export const roles: RedisRoles = {
  downAfterMs: 1_000,
  masterTag: "master",
  replicaTag: "slave",
  minReplicasToWrite: 0,
  maxDataLossBytes: null,
  authority: "heal",
};

export const NOW_MS = 1_000_000;

/** One instance of the group: what Docker, Consul and the process itself say of it. */
export interface RedisPart {
  readonly instance: Instance;
  /** null: it does not run. */
  readonly view: RedisNodeView | null;
}

export interface PartOptions {
  readonly says?: Partial<RedisNode> | null;
  readonly trouble?: RedisTroubleKind;
  readonly silentForMs?: number;
  readonly heardMsAgo?: number;
  readonly ageMs?: number;
  readonly tags?: readonly string[];
  readonly state?: Container["state"];
  readonly current?: boolean;
  readonly registered?: boolean;
}

export function addressOf(slot: number) {
  return { host: "10.0.0.1", port: 7_000 + slot };
}

export function aNode(slot: number, changes: Partial<RedisNode> = {}): RedisNode {
  return {
    role: "master",
    runId: `run-${slot}`,
    version: "7.0.15",
    loading: false,
    replicationId: "history",
    secondReplicationId: null,
    secondOffset: -1,
    offset: 100,
    priority: 100,
    announced: true,
    empty: false,
    handingOver: false,
    follows: null,
    followers: [],
    ...changes,
  };
}

/** A replica of that slot's node, linked and as far as it. */
export function aReplica(slot: number, of: number, changes: Partial<RedisNode> = {}): RedisNode {
  return aNode(slot, {
    role: "replica",
    follows: { master: addressOf(of), up: true, syncing: false, downForMs: 0 },
    ...changes,
  });
}

/** A replica whose link to that slot's node is down. */
export function cutOff(slot: number, of: number, downForMs: number | null = 0, changes: Partial<RedisNode> = {}) {
  return aReplica(slot, of, {
    follows: { master: addressOf(of), up: false, syncing: false, downForMs },
    ...changes,
  });
}

export function aPart(slot: number, options: PartOptions = {}): RedisPart {
  const name = `heal.live.cache.${slot}.1`;
  const container: Container = {
    id: `container-${slot}`,
    name,
    host: "h1",
    service: "cache",
    slot,
    generation: 1,
    specHash: null,
    state: options.state ?? "running",
    health: "none",
    exitCode: options.state === "exited" ? 137 : null,
    createdAtMs: 0,
    startedAtMs: 0,
    finishedAtMs: options.state === "exited" ? NOW_MS : null,
    restartsItself: false,
    address: null,
    ports: [],
    compose: null,
    swarmTaskId: null,
    swarmServiceName: null,
  };
  const registration: Registration = {
    id: `heal.live.cache.${slot}`,
    name: "cache",
    node: "n1",
    nodeStatus: "passing",
    address: addressOf(slot).host,
    port: addressOf(slot).port,
    tags: options.tags ?? [],
    meta: { [META.container]: name },
    status: "passing",
    inMaintenance: false,
    output: "",
    modifyIndex: 1,
  };
  const instance: Instance = {
    container,
    registration: options.registered === false ? null : registration,
    current: options.current ?? true,
  };
  const isLive = container.state === "running" || container.state === "paused";
  return { instance, view: isLive ? viewOf(slot, instance, options) : null };
}

function viewOf(slot: number, { container, registration }: Instance, options: PartOptions): RedisNodeView {
  const node = aNode(slot, options.says ?? {});
  const silentForMs = options.silentForMs ?? 0;
  const isSilent = options.says === null || options.trouble !== undefined;
  return {
    containerId: container.id,
    name: container.name,
    slot,
    host: container.host,
    registration: registration === null ? null : registrationKey(registration),
    address: addressOf(slot),
    peer: addressOf(slot),
    aliases: [addressOf(slot)],
    now: isSilent ? unknown("no answer") : known(node, NOW_MS - (options.ageMs ?? 0)),
    last: { node, atMs: NOW_MS - silentForMs },
    trouble: isSilent
      ? { kind: options.trouble ?? "silent", message: "no answer", sinceMs: NOW_MS - silentForMs }
      : null,
    movedAtMs: NOW_MS - (options.heardMsAgo ?? 0),
  };
}

/** The group as it is decided about. `master`: the slot that is remembered as the master. */
export function aGroup(
  parts: readonly RedisPart[],
  options: {
    readonly master?: number | null;
    readonly memory?: Partial<RedisMemory>;
    readonly roles?: Partial<RedisRoles>;
    readonly silentHosts?: Readonly<Record<string, string>>;
    readonly gone?: RedisSituation["gone"];
    readonly sentinel?: RedisSituation["sentinel"];
    readonly nowMs?: number;
  } = {},
): RedisSituation {
  const nodes = parts.flatMap(({ view }) => view ?? []);
  const settings = { ...roles, ...options.roles };
  const slot = options.master === undefined ? 1 : options.master;
  const remembered = parts[(slot ?? 0) - 1];
  const view = remembered?.view ?? (slot === null ? null : viewOf(slot, aPart(slot).instance, {}));
  return {
    service: aService("cache", { count: parts.length, redis: settings }),
    roles: settings,
    instances: parts.map(({ instance }) => instance),
    nodes,
    gone: options.gone ?? {},
    sentinel: options.sentinel ?? null,
    registrations: parts.flatMap(({ instance }) => instance.registration ?? []),
    silentHosts: options.silentHosts ?? {},
    memory: {
      ...noRedisMemory,
      epoch: 1,
      master: view === null || slot === null ? null : masterOf(view, aNode(slot)),
      configured: Object.fromEntries(
        nodes.map(({ containerId, last }) => [containerId, settingsMark(last?.node.runId ?? "", settings)]),
      ),
      ...options.memory,
    },
    nowMs: options.nowMs ?? NOW_MS,
  };
}

/** What an action calls the node of a slot. */
export function aRef(slot: number): RedisRef {
  const address = addressOf(slot);
  const name = `heal.live.cache.${slot}.1`;
  return {
    containerId: `container-${slot}`,
    name,
    host: "h1",
    registration: `n1/id-${slot}`,
    address,
    peer: address,
    runId: `run-${slot}`,
  };
}

/** What a node says of itself that has begun without data. */
export const empty = { empty: true, replicationId: "fresh", offset: 0 };
