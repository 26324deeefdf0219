/**
 * Consul and Docker disagree about one instance. Docker runs it and Consul does not list it, sends clients where it is
 * not, or keeps it in a maintenance that was ours and is left over: register it anew, and never start another for it. Consul lists it and no container stands behind it, or one that
 * has ended and that only Swarm or Compose may clear away: take the ghost back; it never counts as healthy. Registrations that do not carry our mark are somebody else's and stay.
 */
import type { Action, Hold } from "../../model/action.ts";
import type { Instance, Registration } from "../../model/instance.ts";
import { META } from "../../model/labels.ts";
import type { ServiceMemory } from "../../model/memory.ts";
import { isOwnMaintenance } from "../condition.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { gather, holdBack, isAction, nothing } from "../situation.ts";
import { ownRegistration } from "../stop.ts";
import type { Counted, Stock } from "../stock.ts";
import { subjectOf } from "../subject.ts";

/** So long may the registration of a new instance take from its agent to the servers. */
const VISIBLE_AFTER_MS = 2_000;

/** Consul may have taken back (`deregisterAfter`) what it had called critical for long; it is no better for being told anew. */
const UNWELL_AFTER_MS = 15_000;

export function repairRegistration(situation: Situation): Proposal {
  const { stock, observed } = situation;
  if (observed.registry.kind === "unknown") return nothing;
  const unlisted = stock.amiss.filter(({ condition, superseded }) => condition === "unregistered" && !superseded);
  const outcomes = [
    ...unlisted.flatMap((one) => registerUnlisted(situation, one) ?? []),
    ...deregisterGhosts(situation, observed.registry.value.ghosts),
    ...deregisterEnded(situation),
  ];
  return gather(outcomes.map((outcome) => (isAction(outcome) ? unlessUnderWay(situation, outcome) : outcome)));
}

function registerUnlisted(situation: Situation, one: Counted): Action | Hold | null {
  const { service, nowMs } = situation;
  if (service.consul === null) return null;
  const { instance, notPassingSinceMs, withinGrace } = one;
  const { container, registration } = instance;
  const isLeftOver = registration?.inMaintenance === true && isOwnMaintenance(registration);
  const because = { rule: RULE.registerUnlisted, evidence: whatIsWrong(instance, isLeftOver) };
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
    unwell: nowMs - (notPassingSinceMs ?? nowMs) > UNWELL_AFTER_MS,
    ...(isLeftOver ? { endsMaintenance: true } : {}),
    because,
  };
}

function whatIsWrong({ container, registration }: Instance, isLeftOver: boolean): string {
  const { name, host } = container;
  if (registration === null) return `Docker runs ${name} on ${host}, and Consul does not list it`;
  if (isLeftOver) return `${name} on ${host} is in maintenance by our own hand, and nobody is stopping it any more`;
  return `Consul sends clients of ${name} to ${registration.address}:${registration.port}, where it is not`;
}

function deregisterGhosts({ service, stock, memory }: Situation, ghosts: readonly Registration[]): readonly Action[] {
  if (ghosts.length === 0) return [];
  const reused = slotsAboutToRegister(stock, memory);
  return ghosts
    .filter(({ meta }) => !reused.has(meta[META.slot] ?? ""))
    .map(({ id, node }) => {
      const evidence = `Consul lists ${id} on ${node}, and no container stands behind it`;
      const because = { rule: RULE.deregisterGhost, evidence };
      return { kind: "deregister-instance", service: service.name, node, registrationId: id, because };
    });
}

/**
 * Swarm and Compose keep the containers of what has ended, and start others in their place. Theirs are not for us to
 * clear away, but what we registered of them is.
 */
function deregisterEnded({ service, stock, environment }: Situation): readonly Action[] {
  return stock.amiss.flatMap(({ instance, condition }) => {
    const registration = ownRegistration(environment, instance);
    if (condition !== "ended" || instance.container.slot !== null || registration === null) return [];
    const evidence = `Consul lists ${instance.container.name} on ${instance.container.host}, which has ended`;
    const because = { rule: RULE.deregisterGhost, evidence };
    const { id, node } = registration;
    return [{ kind: "deregister-instance", service: service.name, node, registrationId: id, because }];
  });
}

/** An agent that is cut off from the servers takes everything, and nothing comes of it until it is back. */
function unlessUnderWay(situation: Situation, action: Action): Action | Hold {
  const subject = subjectOf(action);
  const entry = situation.memory.inFlight.find((one) => one.subject === subject);
  if (entry === undefined) return action;
  return holdBack(
    situation,
    action.because,
    "in-flight",
    "its agent has been told; Consul is to show it",
    entry.expiresAtMs,
  );
}

/**
 * A slot's instances register under one id. Where another is about to, the ghost is overwritten; to take it back now
 * might take back its successor.
 */
function slotsAboutToRegister(stock: Stock, memory: ServiceMemory): ReadonlySet<string> {
  const starting = memory.inFlight.filter(({ kind }) => kind === "start").map(({ slot }) => slot);
  const unlisted = stock.amiss.filter(
    ({ instance, condition }) =>
      instance.registration === null && condition !== "ended" && condition !== "incomplete" && condition !== "leaving",
  );
  return new Set([...starting, ...unlisted.map(({ instance }) => instance.container.slot)].map(String));
}
