/** What must hold after every fault, read from Docker and Consul. */
import { expect } from "vitest";
import { inFlightOf } from "./consul-facts.ts";
import type { EngineEvent } from "./event-log.ts";
import { nameOf, until, type Listing, type Site } from "./site.ts";

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
  let last: Picture | null = null;
  const look = async (): Promise<boolean> => isAsWanted((last = await pictureOf(site, consul, service)), count);
  await until(look, "", withinMs, 100).catch(() => {
    throw new Error(`${service} did not settle at ${count} within ${withinMs} ms: ${JSON.stringify(last)}`);
  });
}

/** Whether all that holds at this moment. */
export async function isSettled(site: Site, consul: string, service: string, count: number): Promise<boolean> {
  return isAsWanted(await pictureOf(site, consul, service), count);
}

interface Picture {
  readonly containers: readonly { readonly name: string; readonly state: string; readonly slot: string | undefined }[];
  readonly registrations: readonly Listing[];
  readonly inFlight: readonly unknown[];
}

async function pictureOf(site: Site, consul: string, service: string): Promise<Picture> {
  const [containers, registrations, inFlight] = await Promise.all([
    site.containers(service, { all: true }),
    site.registrations(service),
    inFlightOf(consul, site.environment, service),
  ]);
  return {
    containers: containers.map((one) => ({ name: nameOf(one), state: one.State, slot: one.Labels[slotLabel] })),
    registrations,
    inFlight,
  };
}

function isAsWanted({ containers, registrations, inFlight }: Picture, count: number): boolean {
  const names = new Set(containers.map(({ name }) => name));
  return (
    containers.length === count &&
    new Set(containers.map(({ slot }) => slot)).size === count &&
    containers.every(({ state }) => state === "running") &&
    registrations.length === count &&
    registrations.every(({ status, container }) => status === "passing" && names.has(container ?? "")) &&
    inFlight.length === 0
  );
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
