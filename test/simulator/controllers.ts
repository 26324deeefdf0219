import type { Process } from "./process.ts";
import type { Dice } from "./random.ts";
import { startController } from "./start-controller.ts";
import type { Controller } from "./start-controller.ts";
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
      void controller?.stop().then(() => died(process));
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
