/**
 * Consul and Docker disagree about one instance. Docker runs it and Consul does not list it, or sends clients where it
 * is not: register it, and never start another for it. Consul lists it and no container stands behind it: take the
 * ghost back; it never counts as healthy. Registrations that do not carry our mark are somebody else's and stay.
 */
import type { Action, Hold } from "../../model/action.ts";
import { META } from "../../model/labels.ts";
import type { ServiceMemory } from "../../model/memory.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { holdBack, nothing } from "../situation.ts";
import type { Counted, Stock } from "../stock.ts";

/** So long may the registration of a new instance take from its agent to the servers. */
const VISIBLE_AFTER_MS = 2_000;

export function repairRegistration(situation: Situation): Proposal {
  const { service, stock, observed, memory } = situation;
  if (observed.registry.kind === "unknown") return nothing;
  const { ghosts } = observed.registry.value;
  const actions: Action[] = [];
  const holds: Hold[] = [];
  if (service.consul !== null) {
    for (const one of stock.counted) {
      if (one.condition !== "unregistered" || one.superseded) continue;
      const outcome = registerUnlisted(situation, one);
      if ("kind" in outcome) actions.push(outcome);
      else holds.push(outcome);
    }
  }
  if (ghosts.length === 0) return { actions, holds };
  const reused = slotsAboutToRegister(stock, memory);
  for (const ghost of ghosts) {
    if (reused.has(ghost.meta[META.slot] ?? "")) continue;
    const evidence = `Consul lists ${ghost.id} on ${ghost.node}, and no container stands behind it`;
    actions.push({
      kind: "deregister-instance",
      service: service.name,
      node: ghost.node,
      registrationId: ghost.id,
      because: { rule: RULE.deregisterGhost, evidence },
    });
  }
  return { actions, holds };
}

function registerUnlisted(situation: Situation, one: Counted): Action | Hold {
  const { service, nowMs } = situation;
  const { instance, notPassingSinceMs, withinGrace } = one;
  const { container, registration } = instance;
  const evidence =
    registration === null
      ? `Docker runs ${container.name} on ${container.host}, and Consul does not list it`
      : `Consul sends clients of ${container.name} to ${registration.address}:${registration.port}, where it is not`;
  const because = { rule: RULE.registerUnlisted, evidence };
  const visibleAtMs = (notPassingSinceMs ?? nowMs) + VISIBLE_AFTER_MS;
  if (withinGrace && nowMs < visibleAtMs) {
    return holdBack(situation, because, "just-started", "its registration may be on its way", visibleAtMs);
  }
  return {
    kind: "register-instance",
    service: service.name,
    host: container.host,
    containerId: container.id,
    name: container.name,
    slot: container.slot,
    because,
  };
}

/**
 * A slot's instances register under one id. Where another is about to, the ghost is overwritten; to take it back now
 * might take back its successor.
 */
function slotsAboutToRegister(stock: Stock, memory: ServiceMemory): ReadonlySet<string> {
  const starting = memory.inFlight.filter(({ kind }) => kind === "start").map(({ slot }) => slot);
  const unlisted = stock.counted.filter(
    ({ instance, condition }) =>
      instance.registration === null && condition !== "ended" && condition !== "incomplete" && condition !== "leaving",
  );
  return new Set([...starting, ...unlisted.map(({ instance }) => instance.container.slot)].map(String));
}
