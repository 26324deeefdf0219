import { EngineError } from "../../src/ports/engine.ts";
import type { Swarm, SwarmCreation } from "../../src/ports/swarm.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import type { SwarmCluster } from "./swarm-cluster.ts";
import { ask } from "./wire.ts";
import type { Call, Line, Weather } from "./wire.ts";

export interface SimulatedSwarmDeps {
  readonly process: Process;
  readonly cluster: SwarmCluster;
  /** The engines that are managers; the first that answers is asked. */
  readonly managers: readonly Machine[];
  readonly network: Network;
  readonly weather: Weather;
  readonly witness: SwarmWitness;
}

export interface SwarmWitness {
  scaled(process: Process, serviceName: string, from: number, to: number): void;
  createdService(process: Process, creation: SwarmCreation): void;
}

const deadlineMs = 5_000;
const calls = {
  read: { name: "swarm.read", mutates: false, deadlineMs },
  follow: { name: "swarm.follow", mutates: false, deadlineMs },
  scale: { name: "swarm.scale", mutates: true, deadlineMs: 10_000 },
  create: { name: "swarm.create", mutates: true, deadlineMs: 10_000 },
} as const satisfies Record<string, Call>;

/** The Swarm port of one controller. */
export function simulatedSwarm(deps: SimulatedSwarmDeps): Swarm {
  const { process, cluster, managers, network, witness } = deps;
  const { scheduler, dice } = process;

  const line = (): Line => {
    const open = managers.find((one) => one.state() === "up" && network.path(process.machine, one.machine) === "open");
    return {
      process,
      server: open ?? managers[0]!,
      network,
      weather: deps.weather,
      error: (kind, message) => new EngineError(kind, message),
    };
  };
  const led = <T>(call: Call, serve: () => T): Promise<T> =>
    ask(line(), call, () => {
      if (cluster.state() !== "led") throw new EngineError("refused", "The swarm does not have a leader");
      return serve();
    });

  return {
    find: (name) => led(calls.read, () => cluster.services().find((one) => one.name === name) ?? null),
    list: () => led(calls.read, () => cluster.services()),
    nodes: () => led(calls.read, () => cluster.nodes()),
    tasks: (name) => led(calls.read, () => cluster.tasks(name)),
    scale: (id, version, replicas) =>
      led(calls.scale, () => {
        const before = cluster.services().find((one) => one.id === id);
        cluster.scale(id, version, replicas);
        witness.scaled(process, before?.name ?? id, before?.replicas ?? 0, replicas);
      }),
    create: (creation) =>
      led(calls.create, () => {
        const { container } = creation.service;
        if (container === null) throw new EngineError("refused", "no template");
        cluster.create(creation.name, container, creation.labels, creation.replicas);
        witness.createdService(process, creation);
      }),
    async follow(signal, onOpen, onChange) {
      await led(calls.follow, () => {});
      if (signal.aborted) return;
      const ended = new Promise<void>((resolve) => {
        const unsubscribe = cluster.subscribe((name) => {
          scheduler.after(dice.int(1, 5), () => process.deliver(() => signal.aborted || onChange(name)));
        });
        signal.addEventListener("abort", () => (unsubscribe(), resolve()), { once: true });
      });
      onOpen();
      await ended;
    },
  };
}
