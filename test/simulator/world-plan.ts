import type { Service } from "../../src/model/service.ts";
import { aService, anAdoptedService } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import { dice } from "./random.ts";
import type { Dice } from "./random.ts";
import { drawRedis } from "./redis-plan.ts";
import type { RedisPlan } from "./redis-plan.ts";

/** Everything a seed says about its world before the first thing goes wrong. */
export interface WorldPlan {
  readonly seed: number;
  readonly environment: string;
  readonly hosts: readonly string[];
  /** Controllers by name with the machine each runs on: one of the hosts, or a machine of its own. */
  readonly controllers: readonly { readonly name: string; readonly machine: string }[];
  readonly checkTtlMs: number;
  readonly lockDelayMs: number;
  readonly resyncMs: number;
  /** Alerts are told; they cost as much as all else. */
  readonly alerts: boolean;
  readonly services: readonly Service[];
  /** Services of `services` that Swarm or Compose runs. */
  readonly swarm: readonly string[];
  readonly compose: readonly { readonly name: string; readonly host: string }[];
  /** Services of `services` that are Redis. */
  readonly redis: readonly RedisPlan[];
}

/**
 * The shortest are the default, and a renewal every half second is ten times what else happens in a quiet hour: as long
 * as what they mean stays the same, most seeds have longer ones.
 */
const long = [
  { checkTtlMs: 10_000, lockDelayMs: 10_000 },
  { checkTtlMs: 15_000, lockDelayMs: 15_000 },
  { checkTtlMs: 30_000, lockDelayMs: 30_000 },
  { checkTtlMs: 45_000, lockDelayMs: 60_000 },
  { checkTtlMs: 60_000, lockDelayMs: 60_000 },
] as const;
const terms = [{ checkTtlMs: 1_800, lockDelayMs: 1_500 }, ...Array.from({ length: 5 }, () => long).flat()] as const;

const restarts = ["no", "no", "on-failure", "always", "unless-stopped"] as const;

/** Draws the world of a seed. The same seed gives the same world, whatever faults are drawn beside it. */
export function drawWorld(seed: number): WorldPlan {
  const chance = dice(seed, "world");
  const hosts = ["h1", "h2", "h3"].slice(0, chance.pick([1, 2, 3, 3, 3, 3]));
  const controllers = Array.from({ length: chance.pick([1, 2, 2, 3]) }, (_, index) => ({
    name: `heal-${index + 1}`,
    machine: chance.chance(0.5) ? chance.pick(hosts) : `m${index + 1}`,
  }));
  const swarm = hosts.length > 1 && chance.chance(0.3) ? ["billing"] : [];
  const compose = chance.chance(0.3) ? [{ name: "blog", host: chance.pick(hosts) }] : [];
  // Ten is the size that the speed is stated for; small worlds find the same mistakes sooner.
  const size = chance.pick([3, 3, 4, 6, 10]);
  const own = Array.from({ length: size - swarm.length - compose.length }, (_, index) =>
    drawService(chance, `s${index + 1}`, hosts),
  );
  const adopted = [...swarm, ...compose.map(({ name }) => name)].map((name) =>
    anAdoptedService(name, { count: chance.int(1, 3) }),
  );
  const redis = drawRedis(seed, hosts);
  const hasRedis = redis.plans.length > 0;
  return {
    seed,
    environment: "live",
    hosts,
    // Each node of a Redis service is asked every second or more often, for an hour: what stands beside it is kept small.
    controllers: hasRedis ? controllers.slice(0, 2) : controllers,
    ...chance.pick(terms),
    resyncMs: chance.pick([60_000, 60_000, 120_000, 300_000]),
    alerts: chance.chance(0.2),
    services: hasRedis ? [...own.slice(0, 1), ...redis.services] : [...own, ...adopted],
    swarm: hasRedis ? [] : swarm,
    compose: hasRedis ? [] : compose,
    redis: redis.plans,
  };
}

function drawService(chance: Dice, name: string, hosts: readonly string[]): Service {
  const kind = chance.pick(["consul", "consul", "consul", "consul", "docker", "plain", "fixed-port"]);
  const healthcheck = { command: ["true"], intervalMs: 5_000, timeoutMs: 2_000, retries: 3, startPeriodMs: 0 };
  const fixed = { container: 8080, host: 20_000 + chance.int(0, 9_999), hostIp: null, protocol: "tcp" } as const;
  const template = aTemplate(`${name}:1`, {
    restart: chance.pick(restarts),
    stopGraceMs: chance.pick([1_000, 2_000, 10_000]),
    healthcheck: kind === "docker" ? healthcheck : null,
    ...(kind === "fixed-port" ? { ports: [fixed] } : {}),
  });
  const drawn = aService(name, {
    count: kind === "fixed-port" ? chance.int(1, hosts.length) : chance.pick([0, 1, 2, 2, 3, 3, 4]),
    container: template,
    healing: {
      unhealthyAfterMs: chance.pick([10_000, 30_000, 60_000]),
      maxUnavailable: chance.pick([0, 0, 0, 1]),
      lostAfterMs: chance.pick([10_000, 30_000, 60_000]),
    },
    surplus: { action: chance.chance(0.3) ? "trim" : "alert", afterMs: chance.pick([30_000, 60_000]) },
  });
  if (kind === "docker" || kind === "plain") return aService(name, { ...drawn, health: null, consul: null });
  const health = drawn.health === null ? null : { ...drawn.health, intervalMs: chance.pick([1_000, 5_000, 10_000]) };
  const reapMs = chance.pick([null, null, 60_000, 300_000]);
  return aService(name, { ...drawn, health: health === null ? null : { ...health, deregisterAfterMs: reapMs } });
}
