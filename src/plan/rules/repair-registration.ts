/**
 * Consul and Docker disagree about one instance. Docker runs it and Consul does not list it: register it, and never
 * start another for it. Consul lists it and no container stands behind it: take the ghost back; it never counts as
 * healthy. Registrations that do not carry our mark are somebody else's and stay.
 */
import type { Action } from "../../model/action.ts";
import { META } from "../../model/labels.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";

export function repairRegistration(situation: Situation): Proposal {
  const { service, stock, observed, memory } = situation;
  if (service.consul === null || observed.registry.kind === "unknown") return nothing;
  const actions: Action[] = [];
  for (const { condition, instance, superseded } of stock.counted) {
    if (condition !== "unregistered" || superseded) continue;
    const { container } = instance;
    actions.push({
      kind: "register-instance",
      service: service.name,
      host: container.host,
      containerId: container.id,
      name: container.name,
      slot: container.slot,
      because: {
        rule: "register-unlisted",
        evidence: `Docker runs ${container.name} on ${container.host}, and Consul does not list it`,
      },
    });
  }
  const busySlots = new Set(memory.inFlight.map((entry) => String(entry.slot)));
  for (const ghost of observed.registry.value.ghosts) {
    // The slot's next container registers under the same id and so replaces the ghost.
    if (busySlots.has(ghost.meta[META.slot] ?? "")) continue;
    actions.push({
      kind: "deregister-instance",
      service: service.name,
      node: ghost.node,
      registrationId: ghost.id,
      because: {
        rule: "deregister-ghost",
        evidence: `Consul lists ${ghost.id} on ${ghost.node}, and no container stands behind it`,
      },
    });
  }
  return { actions, holds: [] };
}
