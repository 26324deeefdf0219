import type { RedisNode } from "../../src/model/redis.ts";
import type { Service } from "../../src/model/service.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { Redis, RoleTags } from "../../src/ports/redis.ts";
import type { Registry } from "../../src/ports/registry.ts";
import type { BugSigns } from "./bug-signs.ts";
import type { RedisPlan } from "./redis-plan.ts";
import type { Sabotage } from "./sabotage.ts";
import type { WorldPlan } from "./world-plan.ts";

/** Mistakes that a controller of Redis roles could have. */
export const redisBugs = {
  "promotes the smallest offset": says((node) =>
    node.role === "replica" ? { ...node, offset: 1_000_000_000 - node.offset } : node,
  ),
  "takes every copy for complete and every priority for good": says((node) => ({
    ...node,
    loading: false,
    priority: 100,
    follows: node.follows === null ? null : { ...node.follows, syncing: false, downForMs: 0 },
  })),
  "believes that no replica hears of its master": says((node) => ({
    ...node,
    follows: node.follows === null ? null : { ...node.follows, up: false, downForMs: 0 },
  })),
  "takes what a node said last for what it says now": nodes((redis) => {
    const last = new Map<string, RedisNode>();
    return {
      ...redis,
      async look(at, deadlineMs) {
        const key = `${at.address.host}:${at.address.port}`;
        try {
          const said = await redis.look(at, deadlineMs);
          last.set(key, said);
          return said;
        } catch (error) {
          const said = last.get(key);
          if (said === undefined) throw error;
          return said;
        }
      },
    };
  }),
  "tags before the role is confirmed": tags((port) => ({
    retag(wish, fence) {
      const [first, ...rest] = wish.unsure;
      const hasty = wish.master === null && first !== undefined ? { ...wish, master: first, unsure: rest } : wish;
      return port.retag(hasty, fence);
    },
  })),
  "leaves the old master its tag until there is another": tags((port) => ({
    retag: async (wish, fence) => (wish.master === null ? "same" : port.retag(wish, fence)),
  })),
  "retags whatever has changed meanwhile": { blindRetag: true },
  "lets a master that hangs hang on": engines((engine) => ({
    ...engine,
    stop: async (id, graceMs) => (graceMs === 0 ? undefined : engine.stop(id, graceMs)),
  })),
  "keeps nothing aside": engines((engine) => ({ ...engine, run: async () => ({ exitCode: 0, output: "" }) })),
  "tells agents who is the master": registries((registry) => ({
    ...registry,
    register: (host, one) =>
      registry.register(
        host,
        one.tagOverride && one.id.endsWith(".1") ? { ...one, tags: [...one.tags, "master"] } : one,
      ),
  })),
  "leaves agents what they know of roles": registries((registry) => {
    const told = new Set<string>();
    return {
      ...registry,
      async register(host, one) {
        const key = JSON.stringify([host, one.id, one.meta, one.port]);
        if (one.tagOverride && told.has(key)) return;
        await registry.register(host, one);
        told.add(key);
      },
    };
  }),
  "hands over without holding writes": nodes((redis) => ({
    ...redis,
    pauseWrites: (at, forMs) => redis.pauseWrites(at, Math.min(forMs, 1)),
  })),
  "hands over before the replica has all": says((node) =>
    node.role === "replica" ? { ...node, offset: node.offset + 1_000_000 } : node,
  ),
} as const satisfies Readonly<Record<string, Sabotage>>;

const ends = ["Redis master killed", "Redis process hangs", "Redis host cut off with its master"];
const changes = ["Redis master killed", "switchover asked for"];
const handovers = ["switchover asked for", "Redis replica is slow"];

export const redisBugSigns: Readonly<Record<keyof typeof redisBugs, BugSigns>> = {
  "promotes the smallest offset": {
    breaks: ["S15", "S18", "lost"],
    shows: ["Redis replica is slow"],
    meanwhile: ["switchover asked for"],
    fits: hasGroup(({ count }) => count > 2),
  },
  "takes every copy for complete and every priority for good": {
    breaks: ["S15"],
    shows: ["Redis priority set to 0"],
    besides: ends,
    fits: hasGroup(({ count }) => count > 1),
  },
  "believes that no replica hears of its master": {
    breaks: ["S2", "S15"],
    shows: ["controller cannot reach a host"],
    fits: (plan) => plan.hosts.length > 1 && hasGroup(({ count }) => count > 1)(plan),
  },
  "takes what a node said last for what it says now": { breaks: ["S15", "S16", "S18", "L1", "L4"], shows: ends },
  "tags before the role is confirmed": { breaks: ["S14", "S16", "S18"], shows: ends },
  "leaves the old master its tag until there is another": {
    breaks: ["fencing", "S14"],
    shows: ["Redis host cut off with its master"],
    fits: hasGroup(({ count }) => count > 1),
  },
  "retags whatever has changed meanwhile": {
    breaks: ["S14", "S16", "S18", "fencing"],
    // One change of master right after the other: the tags of the first are not told yet.
    shows: changes,
    meanwhile: changes,
    fits: hasGroup(({ count, redis }) => count > 1 && (redis?.downAfterMs ?? Infinity) <= 5_000),
  },
  "lets a master that hangs hang on": { breaks: ["fencing"], shows: ["Redis process hangs"] },
  "keeps nothing aside": {
    breaks: ["S18"],
    shows: ["Redis host cut off with its master"],
    fits: hasGroup(
      ({ count }, { clientMachine, writeEveryMs }) => count === 2 && isHost(clientMachine) && writeEveryMs <= 1_000,
    ),
  },
  "tells agents who is the master": { breaks: ["S14"], shows: handovers },
  "leaves agents what they know of roles": { breaks: ["S14"], shows: handovers },
  "hands over without holding writes": {
    breaks: ["lost"],
    shows: ["Redis replica is slow"],
    meanwhile: ["switchover asked for"],
    fits: hasGroup(({ count }, { writeEveryMs }) => count > 1 && writeEveryMs <= 1_000),
  },
  "hands over before the replica has all": {
    breaks: ["lost", "S15", "S18"],
    shows: ["Redis replica is slow"],
    meanwhile: ["switchover asked for"],
    fits: hasGroup(({ count }, { writeEveryMs }) => count > 1 && writeEveryMs <= 1_000),
  },
};

/** Whether a world has a Redis service such as this. */
function hasGroup(isSuch: (service: Service, plan: RedisPlan) => boolean): (plan: WorldPlan) => boolean {
  return ({ redis, services }) =>
    redis.some((plan) => services.some((service) => service.name === plan.name && isSuch(service, plan)));
}

function isHost(machine: string): boolean {
  return /^h\d$/.test(machine);
}

function nodes(change: (redis: Redis) => Redis): Sabotage {
  return {
    tools: ({ redis, ...tools }) =>
      redis === undefined ? tools : { ...tools, redis: { ...redis, nodes: change(redis.nodes) } },
  };
}

function says(change: (node: RedisNode) => RedisNode): Sabotage {
  return nodes((redis) => ({ ...redis, look: async (at, deadlineMs) => change(await redis.look(at, deadlineMs)) }));
}

function tags(change: (port: RoleTags) => RoleTags): Sabotage {
  return {
    tools: ({ redis, ...tools }) =>
      redis === undefined ? tools : { ...tools, redis: { ...redis, tags: change(redis.tags) } },
  };
}

function engines(change: (engine: Engine) => Engine): Sabotage {
  return {
    tools: (tools) => ({
      ...tools,
      engines: Object.fromEntries(Object.entries(tools.engines).map(([host, engine]) => [host, change(engine)])),
    }),
  };
}

function registries(change: (registry: Registry) => Registry): Sabotage {
  return { tools: (tools) => ({ ...tools, registry: change(tools.registry) }) };
}
