/**
 * Containers of ours that have ended, or were created and never started, are cleared away once their slot is served
 * again; until then they stay as evidence.
 */
import type { RemoveInstance } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";
import type { Counted } from "../stock.ts";

export function clearEnded({ stock, service, memory }: Situation): Proposal {
  const served = new Set(stock.slots.filter(({ state }) => state === "healthy").map(({ number }) => number));
  const actions = stock.counted
    .filter((one) => isDone(one, served, service.count))
    .map((one): RemoveInstance => {
      const { container, registration } = one.instance;
      return {
        kind: "remove-instance",
        service: service.name,
        host: container.host,
        containerId: container.id,
        name: container.name,
        registration: registration === null ? null : { id: registration.id, node: registration.node },
        because: {
          rule: "clear-ended",
          evidence: `${container.name} on ${container.host} has ended and slot ${container.slot} is served by another`,
        },
      };
    });
  const pending = memory.inFlight.some((entry) => entry.kind === "start");
  return { actions: pending ? [] : actions, holds: [] };
}

/** Only what carries our slot: an adopted service's ended containers belong to its own runtime. */
function isDone({ instance, condition }: Counted, served: ReadonlySet<number>, count: number): boolean {
  const { slot } = instance.container;
  if (slot === null || (condition !== "ended" && condition !== "incomplete")) return false;
  return slot > count || served.has(slot);
}
