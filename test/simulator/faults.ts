import { LABEL } from "../../src/model/labels.ts";
import { aTemplate } from "../builders/template.ts";
import { consulFaults } from "./faults-consul.ts";
import { controllerFaults, laterFaults } from "./faults-controller.ts";
import { redisFaults } from "./faults-redis.ts";
import { runtimeFaults } from "./faults-runtime.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import { dice } from "./random.ts";
import type { Dice } from "./random.ts";
import type { Machine } from "./machine.ts";
import { hasRedis } from "./redis-plan.ts";
import type { SimulatedWorld } from "./world.ts";

/** One thing that goes wrong: at a time, for a while (0: at once and for good), with a seed of its own for what else it draws. */
export interface FaultEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly lastsMs: number;
  readonly seed: number;
}

export interface FaultKind {
  /** null: done at once. */
  readonly lastsMs: readonly [min: number, max: number] | null;
  /** Against the others; 1 unless it would drown them. */
  readonly weight?: number;
  /** Does it, and returns how to undo it (a no-op for what is done at once); null when the world offers no occasion. */
  begin(world: SimulatedWorld, chance: Dice, lastsMs: number): (() => void) | null;
}

export const faultKinds: Readonly<Record<string, FaultKind>> = {
  ...runtimeFaults,
  ...consulFaults,
  ...controllerFaults,
  ...redisFaults,
  ...laterFaults,
};
const usualKinds = [runtimeFaults, consulFaults, controllerFaults].flatMap((kinds) => Object.keys(kinds));

/** Swarm testing: each seed has some kinds of fault and not others, so that none hides behind another. */
export function drawFaults(seed: number, stormMs: number): readonly FaultEvent[] {
  const usual = drawAmong(usualKinds, dice(seed, "faults"), stormMs);
  const later = drawAmong(Object.keys(laterFaults), dice(seed, "later faults"), stormMs);
  const own = hasRedis(seed) ? drawAmong(Object.keys(redisFaults), dice(seed, "Redis faults"), stormMs) : [];
  if (later.length + own.length === 0) return usual;
  return [...usual, ...later, ...own].toSorted((a, b) => a.atMs - b.atMs);
}

function drawAmong(names: readonly string[], chance: Dice, stormMs: number): readonly FaultEvent[] {
  const share = chance.pick([0.1, 0.2, 0.4, 0.8]);
  const kinds = names.filter(() => chance.chance(share));
  const usual = kinds.flatMap((kind) => Array<string>(Math.ceil((faultKinds[kind]!.weight ?? 1) * 4)).fill(kind));
  if (usual.length === 0) return [];
  const everyMs = chance.pick([20_000, 60_000, 120_000, 300_000]);
  const events: FaultEvent[] = [];
  for (
    let atMs = chance.int(10_000, 120_000);
    atMs < stormMs;
    atMs += Math.ceil(-Math.log(1 - chance.next()) * everyMs)
  ) {
    const kind = chance.pick(usual);
    const range = faultKinds[kind]!.lastsMs;
    const lastsMs = range === null ? 0 : Math.min(chance.int(...range), stormMs - atMs);
    events.push({ atMs, kind, lastsMs, seed: chance.int(1, 2 ** 31) });
  }
  return events;
}

/** Has the faults happen at their times. What lasts is undone when its time is over, and by `calm` at the latest. */
export function scheduleFaults(world: SimulatedWorld, events: readonly FaultEvent[]): { calm(): void } {
  const open = new Set<() => void>();
  for (const { atMs, kind, lastsMs, seed } of events) {
    world.scheduler.at(atMs, () => {
      world.rests.endAll();
      const undo = faultKinds[kind]!.begin(world, dice(seed), lastsMs);
      if (undo === null) return;
      world.count(`fault ${kind}`);
      world.tell(() => `FAULT ${kind}${lastsMs > 0 ? ` for ${Math.round(lastsMs / 1_000)} s` : ""}`);
      if (lastsMs === 0) return undo();
      const finish = (): void => {
        if (!open.delete(finish)) return;
        world.tell(() => `end of ${kind}`);
        undo();
      };
      open.add(finish);
      world.scheduler.after(lastsMs, finish);
    });
  }
  return {
    calm() {
      for (const finish of open) finish();
      world.network.healAll();
    },
  };
}

/** Live containers of ours on hosts that have power. */
function liveContainers(world: SimulatedWorld): TrueContainer[] {
  return world.hosts
    .filter((host) => host.powered())
    .flatMap((host) => [...host.containers.values()].filter((one) => isUp(one) && world.truth.ownerOf(one) !== null));
}

export function pickContainer(world: SimulatedWorld, chance: Dice): { container: TrueContainer; host: Machine } | null {
  const live = liveContainers(world);
  if (live.length === 0) return null;
  const container = chance.pick(live);
  return { container, host: world.machines.get(container.machine)! };
}

/** A container that somebody starts beside `heal`. */
export function startByHand(
  host: Machine,
  name: string,
  labels: Readonly<Record<string, string>>,
  image: string,
): TrueContainer | null {
  if (host.state() !== "up") return null;
  try {
    const made = host.create({ name, labels, template: aTemplate(image), createdBy: "a person" });
    host.life.start(made);
    return made;
  } catch {
    return null; // a fault that the world refuses is no fault
  }
}

export function serviceLabels(environment: string, service: string): Readonly<Record<string, string>> {
  return { [LABEL.environment]: environment, [LABEL.service]: service };
}
