import type { Service } from "../../src/model/service.ts";
import type { Controller } from "./start-controller.ts";
import type { SimulatedWorld } from "./world.ts";

/** So long after the storm everybody has found the others again. */
const SETTLED_MS = 3 * 60_000;
/** What was begun so long ago is over. */
const BUSY_MS = 60_000;
/** What lies between the end of a lock-delay and the answer that gives the key: a candidate asks every 100 ms or so. */
const ANSWER_MS = 1_000;

/**
 * L3: in the calm the leader goes, by chance killed or stopped gracefully, and another must lead in time: within twice
 * the TTL and the lock-delay after a death, and at once after a graceful end. Needs a second controller that runs.
 */
export function watchTakeover(world: SimulatedWorld): void {
  const { scheduler, dice, controllers, safety, plan, weather } = world;
  const goes = dice.fork("takeover").pick(["killed", "stopped gracefully", "nothing"] as const);
  if (goes === "nothing") return;
  scheduler.after(SETTLED_MS, () => {
    const leader = controllers.running().find(isLeading);
    // On its machine another process starts no sooner than the lock is free.
    if (leader === undefined || controllers.running().length < 2) return;
    // A graceful end finishes what it has begun; then there is nothing.
    const isBusy = ({ name }: Service): boolean => scheduler.nowMs() - safety.lastMutationAtMs(name) < BUSY_MS;
    if (world.truth.services().some(isBusy)) return;
    world.count(`a leader is ${goes} in the calm`);
    world.tell(() => `L3: ${leader.process.name} leads and is ${goes}`);
    const boundMs = goes === "killed" ? 2 * plan.checkTtlMs + plan.lockDelayMs + ANSWER_MS : 2 * ANSWER_MS;
    if (goes === "killed") weather.killed(leader.process);
    else controllers.stopGracefully(leader.process);
    scheduler.after(boundMs, () => {
      if (controllers.running().some((one) => one !== leader && isLeading(one))) return;
      safety.violate("L3", `nobody leads ${boundMs} ms after ${leader.process.name} was ${goes}`);
    });
  });
}

function isLeading({ leadership }: Controller): boolean {
  return leadership.standing().kind === "leader";
}
