/** What must hold after every fault, read from Docker and Consul. */
import { expect } from "vitest";
import { inFlightOf } from "./consul-facts.ts";
import type { EngineEvent } from "./event-log.ts";
import { nameOf, until, type Site } from "./site.ts";

const slotLabel = "heal.slot";

/**
 * Waits until exactly the wanted number runs, each in a slot of its own, registered and passing, with nothing besides:
 * no dead container, no registration of one that is gone, nothing on its way in Memory.
 */
export async function settles(
  site: Site,
  consul: string,
  service: string,
  count: number,
  withinMs = 60_000,
): Promise<void> {
  let last: unknown = null;
  const isSo = async (): Promise<boolean> => {
    const containers = await site.containers(service, { all: true });
    const registrations = await site.registrations(service);
    const inFlight = await inFlightOf(consul, site.environment, service);
    last = { containers: containers.map((one) => `${nameOf(one)} ${one.State}`), registrations, inFlight };
    const slots = new Set(containers.map(({ Labels }) => Labels[slotLabel]));
    const names = new Set(containers.map(nameOf));
    return (
      containers.length === count &&
      slots.size === count &&
      containers.every(({ State }) => State === "running") &&
      registrations.length === count &&
      registrations.every(({ status, container }) => status === "passing" && names.has(container ?? "")) &&
      inFlight.length === 0
    );
  };
  await until(isSo, "", withinMs).catch(() => {
    throw new Error(`${service} did not settle at ${count} within ${withinMs} ms: ${JSON.stringify(last)}`);
  });
}

/**
 * No slot ever had two containers running at once, by the engine's own account; or more than `most`, where what still
 * runs but is not healthy is replaced by starting the new one first.
 */
export function expectNoSlotTwice(events: readonly EngineEvent[], most = 1): void {
  const running = new Map<string, Set<string>>();
  for (const { action, name, id } of events) {
    const slot = name.split(".").slice(0, -1).join(".");
    const ids = running.get(slot) ?? new Set();
    running.set(slot, ids);
    if (action === "start") ids.add(id);
    if (action === "die") ids.delete(id);
    expect(ids.size, `${name}: containers of one slot that ran at once`).toBeLessThanOrEqual(most);
  }
}
