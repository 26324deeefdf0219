import { CONSUL } from "./consul-agent.ts";
import type { FaultKind } from "./faults.ts";
import type { Dice } from "./random.ts";
import type { RedisProcess } from "./redis-process.ts";
import type { RedisServers } from "./redis-servers.ts";
import type { Spell } from "./weather.ts";
import type { RedisWorld, SimulatedWorld } from "./world.ts";

const done = (): void => {};
const short = [1_000, 30_000] as const;
const long = [20_000, 200_000] as const;

/** What goes wrong with Redis services, beside all that goes wrong with any service. */
export const redisFaults: Readonly<Record<string, FaultKind>> = {
  "Redis master killed": once((world, chance) => {
    const master = pick(world, chance, isMaster);
    if (master === null) return false;
    world.machines.get(master.container.machine)!.life.crash(master.container, 137);
    return true;
  }, 3),
  "Redis replica killed": once((world, chance) => {
    const replica = pick(world, chance, (one) => !isMaster(one));
    if (replica === null) return false;
    world.machines.get(replica.container.machine)!.life.crash(replica.container, 137);
    return true;
  }),
  "Redis process hangs": lasting(
    [1_000, 120_000],
    (world, { servers }, chance) => {
      const process = pick(world, chance, chance.chance(0.7) ? isMaster : any);
      if (process === null) return null;
      servers.setStopped(process, true);
      return () => servers.setStopped(process, false);
    },
    2,
  ),
  "Redis answers with errors": lasting(short, (world, _redis, chance) => {
    const process = pick(world, chance, any);
    if (process === null) return null;
    process.failing = true;
    return () => void (process.failing = false);
  }),
  "Redis password set by hand": lasting(
    short,
    (world, _redis, chance) => {
      const process = pick(world, chance, any);
      if (process === null) return null;
      process.locked = true;
      return () => void (process.locked = false);
    },
    0.5,
  ),
  "Redis priority set to 0": lasting(long, (world, _redis, chance) => {
    const process = pick(world, chance, (one) => !isMaster(one));
    if (process === null) return null;
    process.priority = chance.pick([0, 0, 50]);
    return () => void (process.priority = 100);
  }),
  "Redis replica is slow": lasting(long, (world, { servers }, chance) => {
    const process = pick(world, chance, (one) => !isMaster(one));
    if (process === null) return null;
    servers.replication.setSlow(process, {
      copyMs: chance.int(1_000, 60_000),
      delayMs: chance.int(50, chance.pick([5_000, 40_000])),
    });
    return () => servers.replication.setSlow(process, null);
  }),
  "Redis link broken": once((world, chance) => {
    const process = pick(world, chance, ({ link }) => link !== null);
    if (process?.link == null) return false;
    world.redis?.servers.replication.breakLink(process.link);
    return true;
  }),
  "Redis replica made a master by hand": once(
    (world, chance) =>
      follow(
        world,
        pick(world, chance, (one) => !isMaster(one)),
        null,
      ),
    0.5,
  ),
  "Redis node follows a stranger by hand": once((world, chance) => {
    const process = pick(world, chance, any);
    return follow(world, process, chance.pick([{ host: "10.8.8.8", port: 6379 }, ...others(world, process)]));
  }, 0.5),
  "Redis host cut off with its master": lasting(
    long,
    (world, _redis, chance) => {
      const master = pick(world, chance, isMaster);
      if (master === null) return null;
      const { machine } = master.container;
      world.network.isolate(machine, chance.pick(["drop", "reject"]));
      return () => world.network.isolate(machine, "open");
    },
    2,
  ),
  "hosts cannot reach one another": lasting(long, (world, _redis, chance) => {
    const [a, b] = [chance.pick(world.plan.hosts), chance.pick(world.plan.hosts)];
    if (a === b) return null;
    world.network.cut(a, b, chance.pick(["drop", "reject"]));
    return () => world.network.cut(a, b, "open");
  }),
  "master's agent cannot reach Consul": lasting(long, (world, _redis, chance) => {
    const machine = pick(world, chance, isMaster)?.container.machine;
    if (machine === undefined) return null;
    world.network.cut(machine, CONSUL, chance.pick(["drop", "reject"]));
    return () => world.network.cut(machine, CONSUL, "open");
  }),
  "registrar registers a Redis node anew": once((world, chance) => {
    const name = chance.pick(world.plan.redis).name;
    const agent = world.agents.get(chance.pick(world.plan.hosts));
    const service = [...(agent?.services.values() ?? [])].find(({ registration }) => registration.name === name);
    if (agent?.state() !== "up" || service === undefined) return false;
    agent.register({ ...service.registration, initialStatus: "passing" });
    return true;
  }),
  "switchover asked for": once((world, chance) => ask(world, chance, "switchover"), 2),
  "promotion asked for": once((world, chance) => ask(world, chance, "promote"), 0.5),
  "Redis calls slow": calls("slow", [0.05, 0.5]),
  "Redis calls late": calls("late", [0.02, 0.3]),
  "Redis calls refused": calls("refuse", [0.1, 0.5]),
  "Redis connections refused": calls("unreachable", [0.02, 0.3]),
  "Redis requests lost": calls("lost-request", [0.02, 0.3]),
  "Redis answers lost": calls("lost-answer", [0.02, 0.3]),
  "controller killed before a Redis call": calls("kill-before", [0.02, 0.2]),
  "controller killed after a Redis call": calls("kill-after", [0.02, 0.2]),
};

function any(): boolean {
  return true;
}

function isMaster({ follows, followers }: RedisProcess): boolean {
  return follows === null && followers.size > 0;
}

function pick(world: SimulatedWorld, chance: Dice, which: (process: RedisProcess) => boolean): RedisProcess | null {
  const { redis } = world;
  if (redis === null) return null;
  const found = world.plan.redis.flatMap(({ name }) => redis.servers.living(name)).filter(which);
  return found.length === 0 ? null : chance.pick(found);
}

function others(world: SimulatedWorld, process: RedisProcess | null) {
  const servers: RedisServers | undefined = world.redis?.servers;
  if (servers === undefined || process === null) return [];
  return servers
    .living(process.service)
    .filter((one) => one !== process)
    .flatMap((one) => servers.addressOf(one) ?? []);
}

/** Somebody at a console, who is obeyed like `heal`. */
function follow(
  world: SimulatedWorld,
  process: RedisProcess | null,
  master: { readonly host: string; readonly port: number } | null,
): boolean {
  if (process === null || !process.listening || process.link?.state === "loading") return false;
  world.redis?.safety.decided(process.service);
  world.redis?.servers.replication.follow(process, master);
  return true;
}

function ask(world: SimulatedWorld, chance: Dice, what: "switchover" | "promote"): boolean {
  const leader = world.controllers.running().find(({ leadership }) => leadership.standing().kind === "leader");
  const service = chance.pick(world.plan.redis).name;
  if (leader === undefined || world.truth.wish(service) === undefined) return false;
  if (what === "promote") world.redis?.safety.decided(service);
  void leader.roles[what](service, chance.chance(0.3) ? String(chance.int(1, 3)) : null).then(
    () => world.count(`${what} granted`),
    () => world.count(`${what} refused`),
  );
  return true;
}

function once(happen: (world: SimulatedWorld, chance: Dice) => boolean, weight = 1): FaultKind {
  return { lastsMs: null, weight, begin: (world, chance) => (happen(world, chance) ? done : null) };
}

function lasting(
  lastsMs: readonly [number, number],
  begin: (world: SimulatedWorld, redis: RedisWorld, chance: Dice) => (() => void) | null,
  weight = 1,
): FaultKind {
  return {
    lastsMs,
    weight,
    begin: (world, chance) => (world.redis === null ? null : begin(world, world.redis, chance)),
  };
}

function calls(fate: Spell["fate"], probability: readonly [number, number]): FaultKind {
  return {
    lastsMs: [10_000, 200_000],
    weight: 0.5,
    begin(world, chance, lastsMs) {
      world.truth.disturbed("", world.scheduler.nowMs() + lastsMs);
      return world.weather.begin({
        fate,
        probability: chance.pick(probability),
        to: null,
        calls: chance.pick([
          "redis",
          "redis",
          "redis.look",
          "redis.follow",
          "redis.pause",
          "tags",
          "tags.write",
          "registry",
        ]),
      });
    },
  };
}
