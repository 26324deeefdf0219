import { CONSUL } from "./consul-agent.ts";
import type { ConsulServers } from "./consul-servers.ts";
import type { Network } from "./network.ts";
import type { Dice } from "./random.ts";
import type { Dataset } from "./redis-data.ts";
import type { RedisPlan } from "./redis-plan.ts";
import { isHung } from "./redis-process.ts";
import type { RedisProcess } from "./redis-process.ts";
import type { RedisServers } from "./redis-servers.ts";
import type { Scheduler } from "./scheduler.ts";

/** A write that a client was told is done. */
export interface Acknowledged {
  /** What the process held with it. */
  readonly data: Dataset;
  readonly atMs: number;
}

export interface RedisClient {
  readonly service: string;
  readonly acknowledged: readonly Acknowledged[];
}

export interface RedisClientDeps {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly network: Network;
  readonly catalog: ConsulServers;
  readonly servers: RedisServers;
  readonly count: (name: string) => void;
}

const TIMEOUT_MS = 1_000;

/**
 * An application that writes again and again to whom Consul calls the master. It keeps its connection until that breaks,
 * does not answer in time or says that it takes no writes; then it asks Consul anew.
 */
export function redisClient(deps: RedisClientDeps, plan: RedisPlan): RedisClient {
  const { scheduler, dice, network, catalog, servers } = deps;
  const { name, clientMachine, writeEveryMs } = plan;
  const acknowledged: Acknowledged[] = [];
  let connection: RedisProcess | null = null;

  const ask = (): RedisProcess | null => {
    if (network.path(clientMachine, CONSUL) !== "open") return null;
    const found = catalog
      .service(name, 0)
      .value.find(
        ({ tags, status, nodeStatus }) => tags.includes("master") && status === "passing" && nodeStatus === "passing",
      );
    return found === undefined ? null : servers.at({ host: found.address, port: found.port });
  };
  const isOpen = (to: RedisProcess): boolean => network.path(clientMachine, to.container.machine) === "open";
  const write = (): void => {
    scheduler.after(dice.int(Math.ceil(writeEveryMs / 2), writeEveryMs * 1.5), write);
    if (connection?.ended === true) connection = null;
    connection ??= ask();
    const to = connection;
    if (to === null || !to.listening || !isOpen(to) || isHung(to)) {
      connection = null;
      return;
    }
    const sentAtMs = scheduler.nowMs();
    let isOver = false;
    servers.write(to, (outcome) => {
      if (isOver || to.ended || scheduler.nowMs() - sentAtMs > TIMEOUT_MS || !isOpen(to)) return;
      isOver = true;
      deps.count(`write ${outcome}`);
      if (outcome === "ok") acknowledged.push({ data: to.data, atMs: scheduler.nowMs() });
      else if (connection === to) connection = null;
    });
  };
  scheduler.after(dice.int(1_000, 20_000), write);
  return { service: name, acknowledged };
}
