/**
 * An instance runs but has not passed for longer than `unhealthyAfter`: replace it, one at a time. The new one is
 * started first where a host has room for it, and the old one goes once the new one is healthy; where there is no room
 * the old one is stopped first. A replacement that does not become healthy either is taken back before the next try,
 * so that a slot never holds more than two. A Swarm task is taken away and Swarm starts another; a Compose container is
 * removed and the next pass scales the service back up.
 */
import type { Because, Hold } from "../../model/action.ts";
import { noSlotMemory } from "../../model/memory.ts";
import { waitOf } from "../back-off.ts";
import { patienceMs } from "../patience.ts";
import { beginPlacement, isBoundToHost } from "../placement.ts";
import { ADOPTED_SLOT } from "../remember-slots.ts";
import { RULE } from "../rule-names.ts";
import { generationOf, isLive } from "../same-slot.ts";
import type { Proposal, Situation } from "../situation.ts";
import { bindingOf, holdBack, isAction, nothing, onlyAction, onlyHold } from "../situation.ts";
import { isTakenOutByHand, mayBeMaster, stopGraceOf, stopInstance } from "../stop.ts";
import type { Counted } from "../stock.ts";
import { startSlot } from "./start-missing.ts";

export function replaceUnhealthy(situation: Situation): Proposal {
  const { stock, memory } = situation;
  const unhealthy = stock.amiss.filter((one) => one.condition === "unhealthy" && !one.superseded);
  const wanted = unhealthy.filter((one) => !isBesideSlots(situation, one));
  if (wanted.length === 0) return nothing;
  const due = wanted.filter((one) => isDue(situation, one));
  const holds = wanted.filter((one) => !due.includes(one)).map((one) => notYet(situation, one));
  const patient = unhealthy.filter((one) => !isDue(situation, one)).length;
  if (isStoodInFor(situation, patient))
    return { actions: [], holds: [...holds, ...due.map((one) => stoodInFor(situation, one))] };
  // A stop on a lost host is finished when that is back, and nobody waits for it.
  const isBusy =
    stock.starting > 0 ||
    memory.inFlight.some(
      ({ kind, host }) => kind === "start" || (kind === "stop" && !stock.lostHosts.includes(host ?? "")),
    );
  if (isBusy) return { actions: [], holds: [...holds, ...due.map((one) => oneAtATime(situation, one))] };
  for (const [index, one] of due.entries()) {
    const proposal = replace(situation, one);
    holds.push(...proposal.holds);
    if (proposal.actions.length === 0) continue;
    const others = due.slice(index + 1).map((other) => oneAtATime(situation, other));
    return { actions: proposal.actions, holds: [...holds, ...others] };
  }
  return { actions: [], holds };
}

/** Started by hand beside the slots, or left from a larger count: surplus is not replaced. */
function isBesideSlots(situation: Situation, { instance }: Counted): boolean {
  const { slot } = instance.container;
  return bindingOf(situation)?.kind === "engine" && (slot === null || slot < 1 || slot > situation.service.count);
}

function isDue(situation: Situation, one: Counted): boolean {
  return unhealthyForMs(situation, one) >= patienceMs(situation.service, one.instance);
}

/**
 * Enough others serve (started by hand, or left from a larger count), those included that fail their checks for a
 * moment: one more would be one too many.
 */
function isStoodInFor(situation: Situation, patient: number): boolean {
  return bindingOf(situation)?.kind === "engine" && situation.stock.healthy + patient >= situation.service.count;
}

function replace(situation: Situation, one: Counted): Proposal {
  const because = { rule: RULE.replaceUnhealthy, evidence: evidenceOf(one, unhealthyForMs(situation, one)) };
  switch (bindingOf(situation)?.kind) {
    case "engine":
      return replaceInSlot(situation, one, one.instance.container.slot ?? 0, because);
    case "swarm":
    case "compose":
      return replaceAdopted(situation, one, because);
    default:
      return nothing;
  }
}

function replaceInSlot(situation: Situation, one: Counted, slot: number, because: Because): Proposal {
  const { service, stock, memory, nowMs } = situation;
  const all = stock.bySlot.get(slot) ?? [];
  if (all.some(({ condition }) => condition === "unknown")) {
    const reason = "another instance of its slot is on a host that does not answer, and may well serve";
    return onlyHold(holdBack(situation, because, "unknown-instance", reason));
  }
  const company = all.filter(isLive);
  const newest = company.reduce((a, b) => (generationOf(b) > generationOf(a) ? b : a), one);
  if (company.length > 1) {
    return isDue(situation, newest)
      ? stop(situation, newest, withdrawal(newest))
      : onlyHold(oneAtATime(situation, one));
  }
  const remembered = memory.slots[slot] ?? { ...noSlotMemory, generation: generationOf(one) };
  const wait = waitOf(remembered, service.specHash, nowMs);
  if (wait !== null) return onlyHold(holdBack(situation, because, wait.heldBy, wait.reason, wait.untilMs));
  // Two instances with the same data would spoil it.
  if (isBoundToHost(service)) return stop(situation, one, because);
  const start = startSlot(situation, slot, remembered, because, beginPlacement(situation));
  return isAction(start) ? onlyAction(start) : stop(situation, one, because);
}

/** Compose and Swarm bring back what was taken away. One that keeps failing waits, as a slot does. */
function replaceAdopted(situation: Situation, one: Counted, because: Because): Proposal {
  const { service, memory, hosts, nowMs } = situation;
  const wait = waitOf(memory.slots[ADOPTED_SLOT] ?? noSlotMemory, null, nowMs);
  if (wait !== null) return onlyHold(holdBack(situation, because, wait.heldBy, wait.reason, wait.untilMs));
  const { host, id, name } = one.instance.container;
  if (hosts[host] === undefined) {
    const reason = `it runs on ${host}, whose engine is not in the settings: replace it there`;
    return onlyHold(holdBack(situation, because, "unreachable-host", reason));
  }
  if (bindingOf(situation)?.kind === "compose" || isTakenOutByHand(one)) return stop(situation, one, because);
  return onlyAction({
    kind: "replace-swarm-task",
    service: service.name,
    host,
    containerId: id,
    name,
    graceMs: stopGraceOf(service),
    because,
  });
}

function stop(situation: Situation, one: Counted, because: Because): Proposal {
  if (isTakenOutByHand(one)) {
    const reason = "a person has put it in maintenance: it is left alone until that ends";
    return onlyHold(holdBack(situation, because, "in-maintenance", reason));
  }
  if (mayBeMaster(situation, one)) {
    return onlyHold(holdBack(situation, because, "redis-master", "it may be the master: its role has to go first"));
  }
  return onlyAction(stopInstance(situation, one, because));
}

function withdrawal({ instance }: Counted): Because {
  const { name, host } = instance.container;
  const evidence = `${name} on ${host} was to replace an unhealthy instance and is not healthy itself`;
  return { rule: RULE.withdrawReplacement, evidence };
}

function notYet(situation: Situation, one: Counted): Hold {
  const forMs = unhealthyForMs(situation, one);
  const afterMs = patienceMs(situation.service, one.instance);
  return holdBack(
    situation,
    { rule: RULE.replaceUnhealthy, evidence: evidenceOf(one, forMs) },
    "unhealthy-after",
    `it is replaced when that has lasted ${afterMs / 1000} s`,
    situation.nowMs + afterMs - forMs,
  );
}

function stoodInFor(situation: Situation, one: Counted): Hold {
  const { service, stock } = situation;
  return holdBack(
    situation,
    { rule: RULE.replaceUnhealthy, evidence: evidenceOf(one, unhealthyForMs(situation, one)) },
    "enough-serve",
    `${stock.healthy} others serve where ${service.count} are asked for; it is replaced when one of them goes`,
  );
}

function oneAtATime(situation: Situation, one: Counted): Hold {
  return holdBack(
    situation,
    { rule: RULE.replaceUnhealthy, evidence: evidenceOf(one, unhealthyForMs(situation, one)) },
    "one-at-a-time",
    "another instance of the service is being replaced or started; this one follows",
  );
}

function unhealthyForMs({ nowMs }: Situation, { notPassingSinceMs }: Counted): number {
  return nowMs - (notPassingSinceMs ?? nowMs);
}

function evidenceOf({ instance }: Counted, forMs: number): string {
  const { container } = instance;
  return `${container.name} on ${container.host} ${whatIsWrong(instance)} (for ${Math.round(forMs / 1000)} s)`;
}

function whatIsWrong({ container, registration }: Counted["instance"]): string {
  if (container.state !== "running") return `is ${container.state}`;
  if (container.health === "unhealthy" || container.health === "starting") {
    return `is ${container.health} by Docker's own check`;
  }
  if (registration === null) return "does not pass";
  if (registration.inMaintenance) return "is in maintenance";
  if (registration.nodeStatus === "critical") return `is on ${registration.node}, which is critical in Consul`;
  return `is ${registration.status} in Consul${registration.output === "" ? "" : `: ${registration.output}`}`;
}
