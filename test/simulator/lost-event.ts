import { LABEL } from "../../src/model/labels.ts";
import { criticalServices } from "./alerts-owed.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { SimulatedWorld } from "./world.ts";

/** So long after the storm, and after whatever else is tried in the calm, everything is at rest. */
const SETTLED_MS = 8 * 60_000;
/** No back-off stands against what follows one that was started so long ago. */
const AGE_MS = 10 * 60_000;
const LOST_FOR_MS = 1_000;
/** From the look to the start of another. */
const ANSWER_MS = 30_000;

/**
 * L2 in the calm: an instance of which Consul knows nothing is taken away by hand, by chance, and its engine tells nobody.
 * By the next resync it must be noticed. In the storm something else mostly makes a controller look again.
 */
export function watchLostEvent(world: SimulatedWorld): void {
  const { dice, scheduler } = world;
  const chance = dice.fork("lost event");
  if (chance.chance(0.5)) return;
  scheduler.after(SETTLED_MS, () => {
    const candidates = world.truth
      .services()
      .filter(({ consul, container }) => consul === null && container?.privileged === false)
      .flatMap(({ name }) => [...world.truth.containersOf(name)])
      .filter((one) => isOld(world, one));
    if (candidates.length > 0) loseEnd(world, chance.pick(candidates));
  });
}

function isOld({ machines, scheduler }: SimulatedWorld, one: TrueContainer): boolean {
  const isThere = isUp(one) && machines.get(one.machine)?.state() === "up";
  return isThere && one.labels[LABEL.slot] !== undefined && scheduler.nowMs() - one.createdAtMs >= AGE_MS;
}

/**
 * Somebody else's container has a name that is due for the slot: it waits for a person, and is noticed once he has been told
 * of that name, or where nobody is told of anything, once the leader calls the service critical.
 */
function isNoticedTakenName(world: SimulatedWorld, { name, labels }: TrueContainer, sinceMs: number): boolean {
  const ofSlot = name.slice(0, name.lastIndexOf(".") + 1);
  const taken = [...world.machines.values()]
    .flatMap((machine) => [...machine.containers.values()])
    .filter((one) => one.name.startsWith(ofSlot) && one.labels[LABEL.slot] === undefined);
  if (!world.plan.alerts) return taken.length > 0 && criticalServices(world).has(labels[LABEL.service] ?? "");
  const told = world.channels
    .flatMap((channel) => channel.taken)
    .filter(({ atMs }) => atMs > sinceMs)
    .map(({ message }) => JSON.stringify(message));
  return taken.some((one) => told.some((text) => text.includes(one.name)));
}

function loseEnd(world: SimulatedWorld, container: TrueContainer): void {
  const { scheduler, weather, machines, plan, safety, truth } = world;
  const { name, machine, labels } = container;
  const service = labels[LABEL.service] ?? "";
  world.count("an event is lost in the calm");
  world.tell(() => `L2: ${name} is taken away by hand, and ${machine} tells nobody`);
  truth.disturbed(machine, scheduler.nowMs() + LOST_FOR_MS);
  scheduler.after(LOST_FOR_MS, weather.beginEvents(machine, "lost", 1));
  machines.get(machine)!.remove(container);
  const lostAtMs = scheduler.nowMs();
  const boundMs = plan.resyncMs + ANSWER_MS;
  scheduler.after(boundMs, () => {
    const live = [...truth.containersOf(service)].filter(isUp);
    const isReplaced = live.some((one) => one.labels[LABEL.slot] === labels[LABEL.slot]);
    if (isReplaced || live.length >= (truth.wish(service)?.count ?? 0)) return;
    if (isNoticedTakenName(world, container, lostAtMs)) return;
    safety.violate("L2", `nobody has noticed the end of ${name} ${boundMs} ms after it`);
  });
}
