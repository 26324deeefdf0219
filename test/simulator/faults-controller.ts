import { healthyBehaviour } from "./container.ts";
import type { FaultKind } from "./faults.ts";
import { pickContainer } from "./faults.ts";
import type { Dice } from "./random.ts";
import type { SimulatedWorld } from "./world.ts";
import type { Spell } from "./weather.ts";
import { aService } from "../builders/service.ts";

const done = (): void => {};

const anyCalls = [
  "",
  "engine",
  "engine.create",
  "engine.start",
  "engine.list",
  "registry",
  "session",
  "memory",
  "swarm",
  "compose",
] as const;

/** What goes wrong with controllers, their requests and their wishes. */
export const controllerFaults: Readonly<Record<string, FaultKind>> = {
  "controller killed": once((world, chance) => {
    const killed = world.controllers.pick(chance);
    if (killed === null) return false;
    world.weather.killed(killed);
    return true;
  }, 2),
  "controller stopped gracefully": once((world, chance) => {
    const stopped = world.controllers.pick(chance);
    if (stopped === null) return false;
    world.controllers.stopGracefully(stopped);
    return true;
  }),
  "controller suspended": {
    lastsMs: [500, 120_000],
    weight: 2,
    begin(world, chance) {
      const suspended = world.controllers.pick(chance);
      if (suspended === null) return null;
      suspended.stop();
      return () => suspended.resume();
    },
  },
  "controller's wall clock jumps": once((world, chance) => {
    const process = world.controllers.pick(chance);
    process?.jumpWallClock(chance.pick([-3_600_000, -5_000, 500, 5_000, 3_600_000]));
    return process !== null;
  }),
  "controller killed before a call": calls("kill-before", [0.02, 0.2]),
  "controller killed after a call": calls("kill-after", [0.02, 0.2]),
  "calls slow": calls("slow", [0.05, 0.5]),
  "calls late": calls("late", [0.02, 0.3]),
  "calls refused": calls("refuse", [0.1, 0.5]),
  "connections refused": calls("unreachable", [0.02, 0.3]),
  "requests lost": calls("lost-request", [0.02, 0.3]),
  "answers lost": calls("lost-answer", [0.02, 0.3]),

  "count changed": once(
    (world, chance) => rewish(world, chance, (service) => ({ count: chance.int(0, service.count + 1) })),
    2,
  ),
  "new specification": once((world, chance) =>
    rewish(world, chance, ({ container, name }) =>
      container === null ? null : { container: { ...container, image: `${name}:${chance.int(1, 5)}` } },
    ),
  ),
  "service withdrawn": once((world, chance) => {
    const services = world.desired().services;
    const gone = chance.pick(Object.keys(services));
    if (Object.keys(services).length < 4 || world.files().kind === "invalid") return false;
    world.wish(Object.values(services).filter(({ name }) => name !== gone));
    return true;
  }),
  "files broken": {
    lastsMs: [10_000, 300_000],
    begin(world) {
      if (world.files().kind === "invalid") return null;
      world.breakFiles(true);
      return () => world.breakFiles(false);
    },
  },
  "channel down": {
    lastsMs: [30_000, 600_000],
    begin(world, chance) {
      const channel = chance.pick(world.channels);
      channel.mood = chance.pick(["refusing", "hanging", "deaf"]);
      return () => void (channel.mood = "well");
    },
  },
  "privileged service asked for": once((world, chance) =>
    rewish(world, chance, ({ container }) =>
      container === null ? null : { container: { ...container, privileged: true } },
    ),
  ),
};

/** Drawn apart from the others, so that those are what they were before there were these. */
export const laterFaults: Readonly<Record<string, FaultKind>> = {
  // Between what it has begun and what it has meant to do next: where a fence must hold it back.
  "controller suspended after a call": calls("stop-after", [0.2, 1], ["memory.commit", "engine.create", "engine.stop"]),
  // As when its servers limit the rate of reads: locks and keys are had all the same.
  "Consul does not tell of services": withRests({
    lastsMs: [60_000, 400_000],
    begin(world, chance, lastsMs) {
      const fate = chance.pick(["unreachable", "lost-request"] as const);
      world.truth.disturbed("", world.scheduler.nowMs() + lastsMs);
      return world.weather.begin({ fate, probability: 1, to: null, calls: "registry.read" });
    },
  }),
  // Each by itself is seldom there when the other one matters.
  "Consul takes no keys while an image crashes": withRests({
    lastsMs: [60_000, 400_000],
    begin(world, chance, lastsMs) {
      const picked = pickContainer(world, chance);
      if (picked === null) return null;
      const { container, host } = picked;
      world.behaviours.set(container.image, { ...healthyBehaviour, crashAfterMs: 3_000 });
      world.truth.disturbed("", world.scheduler.nowMs() + lastsMs);
      const end = world.weather.begin({ fate: "refuse", probability: 1, to: null, calls: "memory.commit" });
      host.life.crash(container, 1);
      return () => {
        world.behaviours.delete(container.image);
        end();
      };
    },
  }),
};

/**
 * As long as it lasts nobody can act, and every second everybody tries to. Where it was drawn every twenty seconds it
 * lasted for the whole storm, which then was nine tenths of what the seed cost and tried nothing else: so it is over
 * for as long as it may last before it comes again.
 */
function withRests(kind: FaultKind & { readonly lastsMs: readonly [number, number] }): FaultKind {
  const restsUntilMs = new WeakMap<SimulatedWorld, number>();
  return {
    ...kind,
    begin(world, chance, lastsMs) {
      const nowMs = world.scheduler.nowMs();
      if (nowMs < (restsUntilMs.get(world) ?? 0)) return null;
      const undo = kind.begin(world, chance, lastsMs);
      if (undo !== null) restsUntilMs.set(world, nowMs + lastsMs + kind.lastsMs[1]);
      return undo;
    },
  };
}

function once(happen: (world: SimulatedWorld, chance: Dice) => boolean, weight = 1): FaultKind {
  return { lastsMs: null, weight, begin: (world, chance) => (happen(world, chance) ? done : null) };
}

/** Requests of some kind fare badly for a while. */
function calls(
  fate: Spell["fate"],
  probability: readonly [number, number],
  names: readonly string[] = anyCalls,
): FaultKind {
  return {
    lastsMs: [10_000, 300_000],
    weight: 0.75,
    begin(world, chance, lastsMs) {
      const spell: Spell = {
        fate,
        probability: chance.pick(probability),
        to: chance.chance(0.3) ? chance.pick(world.plan.hosts) : null,
        calls: chance.pick(names),
      };
      world.truth.disturbed("", world.scheduler.nowMs() + lastsMs);
      return world.weather.begin(spell);
    },
  };
}

/** Somebody edits one service. */
function rewish(
  world: SimulatedWorld,
  chance: Dice,
  change: (service: ReturnType<typeof aService>) => Partial<ReturnType<typeof aService>> | null,
): boolean {
  const services = Object.values(world.desired().services);
  if (services.length === 0 || world.files().kind === "invalid") return false;
  const chosen = chance.pick(services);
  const changes = change(chosen);
  if (changes === null) return false;
  world.wish(services.map((one) => (one === chosen ? aService(one.name, { ...one, ...changes }) : one)));
  return true;
}
