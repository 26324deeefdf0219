import { checkPolicy } from "../../src/desired/policy.ts";
import { watchRegistry } from "../../src/adapters/consul/watch.ts";
import { startDaemon } from "../../src/loop/daemon.ts";
import type { Daemon } from "../../src/loop/daemon.ts";
import { openDesiredSource } from "../../src/loop/desired-source.ts";
import { startLeadership } from "../../src/loop/leadership.ts";
import type { Leadership } from "../../src/loop/leadership.ts";
import { defaultTerms } from "../../src/loop/lease.ts";
import { openMemory } from "../../src/loop/memory.ts";
import { openWorld } from "../../src/loop/world.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import { openBoard } from "../../src/report/board.ts";
import type { Board } from "../../src/report/board.ts";
import { openReporter } from "../../src/report/reporter.ts";
import { simulatedCompose } from "./compose.ts";
import { simulatedCoordination } from "./coordination.ts";
import { simulatedEngine } from "./engine.ts";
import { simulatedLog } from "./log.ts";
import { startProcess } from "./process.ts";
import type { Process } from "./process.ts";
import type { Dice } from "./random.ts";
import { simulatedRegistry } from "./registry.ts";
import { simulatedSwarm } from "./swarm.ts";
import type { SimulatedWorld } from "./world.ts";

/** The controllers of a world: the real program, each in a simulated process of its own, started again when it dies. */
export interface ControllerFleet {
  /** A running one, by chance; null when none runs. */
  pick(chance: Dice): Process | null;
  running(): readonly Controller[];
  stopGracefully(process: Process): void;
  machineLost(machine: string): void;
  machineBack(machine: string): void;
  /** The files have changed. */
  desiredChanged(): void;
}

export interface Controller {
  readonly process: Process;
  readonly daemon: Daemon;
  readonly leadership: Leadership;
  readonly board: Board;
  readonly desiredChanged: () => void;
}

/** A supervisor (systemd, Docker) starts a dead controller again after so long. */
const restartDelayMs = [1_000, 20_000] as const;

export function controllerFleet(world: SimulatedWorld): ControllerFleet {
  const { plan, scheduler, dice, weather } = world;
  const places = plan.controllers.map(({ name, machine }) => ({
    name,
    machine,
    controller: null as Controller | null,
    starts: 0,
  }));

  const start = (place: (typeof places)[number]): void => {
    if (place.controller !== null || !world.machines.get(place.machine)!.powered()) return;
    place.starts += 1;
    world.tell(() => `${place.name} starts on ${place.machine}`);
    place.controller = startController(world, place.name, place.machine, place.starts);
    // Killed by its very first request: it was not in its place yet.
    if (!place.controller.process.alive()) died(place.controller.process);
  };
  const died = (process: Process): void => {
    const place = places.find((one) => one.controller?.process === process);
    process.kill();
    if (place === undefined) return;
    world.tell(() => `${place.name} is dead`);
    place.controller = null;
    scheduler.after(dice.int(...restartDelayMs), () => start(place));
  };
  const running = (): Controller[] => places.flatMap(({ controller }) => (controller === null ? [] : [controller]));

  weather.onKilled(died);
  for (const place of places) scheduler.after(dice.int(0, 3_000), () => start(place));

  return {
    running,
    pick(chance) {
      const alive = running();
      return alive.length === 0 ? null : chance.pick(alive).process;
    },
    stopGracefully(process) {
      const controller = running().find((one) => one.process === process);
      void controller?.daemon.stop().then(() => died(process));
    },
    machineLost(machine) {
      for (const { process } of running()) if (process.machine === machine) died(process);
    },
    machineBack(machine) {
      for (const place of places)
        if (place.machine === machine) scheduler.after(dice.int(1_000, 5_000), () => start(place));
    },
    desiredChanged() {
      for (const controller of running()) controller.desiredChanged();
    },
  };
}

function startController(world: SimulatedWorld, name: string, machine: string, starts: number): Controller {
  const { plan, scheduler, network, weather, safety, servers, keys, conditions } = world;
  const process = startProcess(scheduler, world.dice.fork(`${name} ${starts}`), name, machine);
  const { clock, dice: random } = process;
  const agent = world.agents.get(machine)!;
  const consul = { process, agent, servers, keys, network, weather, conditions, witness: safety };
  const log = simulatedLog(name, (who, level, data, message) => {
    if (level === "error" && data.event === "pass.failed")
      safety.violate("bug", `${who}: ${message}: ${String(data["error"])}`);
    if (level !== "debug") world.tell(() => `  ${who} ${level}: ${message} ${JSON.stringify(data)}`);
  });

  const agents = Object.fromEntries(plan.hosts.map((host) => [host, world.agents.get(host)!]));
  const registry = simulatedRegistry({ ...consul, agents });
  const coordination = simulatedCoordination(consul);
  const managers = world.hosts.filter((host) => host.inSwarm);
  const swarm =
    world.cluster === null
      ? null
      : simulatedSwarm({ process, cluster: world.cluster, managers, network, weather, witness: safety });
  const compose =
    world.composeFiles.length === 0
      ? null
      : simulatedCompose({
          process,
          machines: Object.fromEntries(world.machines),
          files: world.composeFiles,
          network,
          weather,
          witness: safety,
        });

  const holder = { node: machine, processId: starts, version: "0.0.0", address: null };
  const terms = { ...defaultTerms, checkTtlMs: plan.checkTtlMs, lockDelayMs: plan.lockDelayMs };
  const leadership = startLeadership({ coordination, clock, random }, { holder, terms });
  const memory = openMemory({ coordination, clock, random }, { holdUnreadableMs: defaultTuning.inFlightMs });
  const board = openBoard(plan.environment);
  const source = openDesiredSource({
    load: async () => ({ kind: "valid", desired: world.desired() }),
    clock,
    log,
    environment: plan.environment,
  });
  const loaded = source.reload();
  const loopWorld = openWorld({
    tools: {
      environment: plan.environment,
      engines: Object.fromEntries(
        world.hosts.map((host) => [
          host.machine,
          simulatedEngine({ process, machine: host, network, weather, witness: safety }),
        ]),
      ),
      hostAddresses: Object.fromEntries(plan.hosts.map((host) => [host, null])),
      swarm,
      compose,
      registry,
      clock,
      startsPerHost: 4,
      secrets: { file: async () => "", variable: () => null },
      policyBreach: (service) => checkPolicy(service, { allow: [] })[0]?.message ?? null,
    },
    desired: source.current,
    memory,
    fence: leadership.current,
    report: openReporter({ board, clock, log, listeners: [] }),
    tuning: defaultTuning,
    onRuntimeChange: (services) => daemon.nudges.nudge(services),
  });
  const daemon: Daemon = startDaemon({
    world: loopWorld,
    leadership,
    loadMemory: memory.load,
    watchRegistry: (hints, signal) => watchRegistry({ registry, clock, random }, hints, { signal }),
    swarm,
    shadow: false,
    log,
  });
  const reload = async (): Promise<void> => {
    await loaded;
    const outcome = await source.reload();
    if (outcome.kind === "changed") daemon.nudges.nudge(null);
  };
  const resync = (): void => {
    void daemon.resync();
    void reload();
    clock.after(plan.resyncMs, resync);
  };
  clock.after(plan.resyncMs, resync);
  const desiredChanged = (): void => void clock.after(random.int(50, 500), () => void reload());
  return { process, daemon, leadership, board, desiredChanged };
}
