import type { RedisNode } from "../../src/model/redis.ts";
import { RedisError } from "../../src/ports/redis.ts";
import type { Redis, RedisEndpoint } from "../../src/ports/redis.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import { isHung, saysOf } from "./redis-process.ts";
import type { RedisProcess } from "./redis-process.ts";
import type { RedisServers } from "./redis-servers.ts";
import { ask, order } from "./wire.ts";
import type { Call, Line, Server, Weather } from "./wire.ts";

export interface SimulatedRedisDeps {
  readonly process: Process;
  readonly network: Network;
  readonly weather: Weather;
  readonly servers: RedisServers;
  readonly witness: RedisWitness;
}

/** Hears of what a controller was told by Redis processes and of every order, when it is sent and as it takes effect. */
export interface RedisWitness {
  looked(process: Process, service: string, at: RedisEndpoint["address"], answer: RedisNode | null): void;
  ordered(process: Process, service: string, what: string): void;
  /** Right before the process obeys. */
  obeying(process: Process, to: RedisProcess, master: RedisEndpoint["address"] | null): void;
  held(process: Process, to: RedisProcess, forMs: number): void;
}

const calls = {
  follow: { name: "redis.follow", mutates: true, deadlineMs: 1_000 },
  configure: { name: "redis.configure", mutates: true, deadlineMs: 2_000 },
  pause: { name: "redis.pause", mutates: true, deadlineMs: 1_000 },
} as const satisfies Record<string, Call>;

/** The Redis port of one controller. */
export function simulatedRedis({ process, network, weather, servers, witness }: SimulatedRedisDeps): Redis {
  const { scheduler, dice } = process;
  const lineTo = ({ address }: RedisEndpoint): Line => ({
    process,
    server: serverAt(servers, address),
    network,
    weather,
    error: (kind, message) =>
      new RedisError(kind === "unreachable" ? "refused" : kind === "unclear" ? "silent" : "failing", message),
  });
  /** Whoever listens there by the time the request arrives. */
  const there = (at: RedisEndpoint): RedisProcess => {
    const found = servers.at(at.address);
    if (found === null) throw new RedisError("refused", "connection refused");
    if (found.locked) throw new RedisError("denied", "NOAUTH Authentication required.");
    if (found.failing) throw new RedisError("failing", "ERR out of order");
    return found;
  };
  const able = (at: RedisEndpoint): RedisProcess => {
    const found = there(at);
    const isLoading = scheduler.nowMs() < found.loadingUntilMs || found.link?.state === "loading";
    if (isLoading) throw new RedisError("loading", "LOADING Redis is loading the dataset in memory");
    return found;
  };
  const sayingOf = (at: RedisEndpoint): RedisNode => saysOf(there(at), scheduler.nowMs());
  const serviceAt = (at: RedisEndpoint): string => servers.at(at.address)?.service ?? "";
  const send = <T>(at: RedisEndpoint, call: Call, what: string, serve: (found: RedisProcess) => T): Promise<T> => {
    if (process.alive()) witness.ordered(process, serviceAt(at), `${what} at ${at.address.host}:${at.address.port}`);
    return ask(lineTo(at), call, () => serve(able(at)));
  };

  return {
    async look(at, deadlineMs) {
      const service = serviceAt(at);
      const { server } = lineTo(at);
      // Nodes are asked hundreds of thousands of times: an answer that nothing stands in the way of comes at once.
      const isEasy = weather.isFair(server.machine, "redis.look") && server.state() === "up" && process.alive();
      if (isEasy && network.path(process.machine, server.machine) === "open") {
        const said = sayingOf(at);
        witness.looked(process, service, at.address, said);
        return said;
      }
      try {
        const call = { name: "redis.look", mutates: false, deadlineMs };
        const said = await ask(lineTo(at), call, () => sayingOf(at));
        witness.looked(process, service, at.address, said);
        return said;
      } catch (error) {
        witness.looked(process, service, at.address, null);
        throw error;
      }
    },
    follow: (at, master) => {
      const what = master === null ? "REPLICAOF NO ONE" : `REPLICAOF ${master.host}:${master.port}`;
      return send(at, calls.follow, what, (found) => {
        witness.obeying(process, found, master);
        servers.replication.follow(found, master);
      });
    },
    configure: (at, settings) =>
      send(at, calls.configure, "CONFIG SET", (found) => {
        for (const { name, value } of settings)
          found.settings.set(name, typeof value === "string" ? value : value.reveal());
        return [];
      }),
    pauseWrites: (at, forMs) =>
      send(at, calls.pause, forMs === 0 ? "CLIENT UNPAUSE" : "CLIENT PAUSE", (found) => {
        witness.held(process, found, forMs);
        servers.holdWrites(found, forMs);
      }),
    save(at, deadlineMs) {
      const call = { name: "redis.save", mutates: true, deadlineMs };
      return order(lineTo(at), call, (reply) => {
        const found = able(at);
        scheduler.after(dice.int(50, 500), () => {
          if (found.ended || isHung(found)) return;
          servers.save(found);
          reply.ok("/data/dump.rdb");
        });
      });
    },
    masterBySentinel: () => Promise.reject(new RedisError("refused", "there is no Sentinel here")),
    followSentinel: async () => undefined,
    close: () => {},
  };
}

/** The process that listens at an address; from a machine without power comes no answer at all. */
function serverAt(servers: RedisServers, address: RedisEndpoint["address"]): Server {
  const machine = servers.machineAt(address.host);
  return {
    machine: machine?.machine ?? "nowhere",
    state() {
      if (machine === null) return "down";
      if (!machine.powered()) return "hung";
      const found = servers.at(address);
      if (found === null || !found.listening) return "down";
      return isHung(found) ? "hung" : "up";
    },
    whenAwake(run) {
      servers.at(address)?.asleep.push(run);
    },
  };
}
