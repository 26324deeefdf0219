import type { Service } from "../../src/model/service.ts";
import { aService } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import { dice } from "./random.ts";
import type { Dice } from "./random.ts";

/** What a seed says of one Redis service beyond what its file says. */
export interface RedisPlan {
  readonly name: string;
  /** What is on its disk: every write, now and then a snapshot, or nothing but what was asked for. */
  readonly saves: "always" | "sometimes" | "never";
  /** Whether that outlives the container, on its host. */
  readonly volume: boolean;
  /** How often its client writes. */
  readonly writeEveryMs: number;
  /** Where its client runs: one of the hosts, or a machine of its own. */
  readonly clientMachine: string;
}

export interface DrawnRedis {
  readonly plans: readonly RedisPlan[];
  readonly services: readonly Service[];
}

/** Every node is asked every second, and says something every second: such an hour costs as much as ten others. */
const share = 0.1;

/** Draws the Redis services of a seed, if it has any: apart from everything else, so that nothing else changes by it. */
export function drawRedis(seed: number, hosts: readonly string[]): DrawnRedis {
  const chance = dice(seed, "redis");
  if (!hasRedis(seed)) return { plans: [], services: [] };
  const names = ["r1", "r2"].slice(0, chance.pick([1, 1, 2]));
  return {
    plans: names.map((name) => ({
      name,
      saves: chance.pick(["always", "sometimes", "never", "never"]),
      volume: chance.chance(0.5),
      writeEveryMs: chance.pick([200, 1_000, 1_000, 5_000]),
      clientMachine: chance.pick([...hosts, `client-${name}`]),
    })),
    services: names.map((name, index) => drawService(chance, name, index, hosts.length)),
  };
}

export function hasRedis(seed: number): boolean {
  return dice(seed, "has redis").chance(share);
}

function drawService(chance: Dice, name: string, index: number, hosts: number): Service {
  const isFixed = chance.chance(0.3);
  const count = isFixed ? chance.int(1, hosts) : chance.pick([1, 2, 2, 3, 3, 3, 3, 4]);
  const plain = aService(name);
  return aService(name, {
    count,
    container: aTemplate(`${name}:1`, {
      restart: chance.pick(["no", "no", "no", "always"]),
      stopGraceMs: chance.pick([1_000, 10_000]),
      ports: [{ container: 6379, host: isFixed ? 21_000 + index : null, hostIp: null, protocol: "tcp" }],
    }),
    health:
      plain.health === null
        ? null
        : { ...plain.health, probe: { kind: "tcp" }, port: 6379, intervalMs: chance.pick([1_000, 5_000]) },
    consul: { name, tags: chance.pick([[], ["cache"]]), meta: {}, tagOverride: true },
    healing: { unhealthyAfterMs: chance.pick([10_000, 30_000]), maxUnavailable: 0, lostAfterMs: 30_000 },
    redis: {
      downAfterMs: chance.pick([2_000, 5_000, 8_000, 8_000, 10_000]),
      masterTag: "master",
      replicaTag: "slave",
      minReplicasToWrite: count >= 3 ? 1 : 0,
      maxDataLossBytes: chance.pick([null, null, null, 600]),
      authority: "heal",
    },
  });
}
