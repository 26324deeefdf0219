/**
 * An instance runs but has not passed for longer than `unhealthyAfter`: replace it, one at a time. The new one is
 * started first where a host has room for it, and the old one goes once the new one is healthy; where there is no room
 * the old one is stopped first. A Swarm task is taken away and Swarm starts another; a Compose container is removed
 * and the next pass scales the service back up.
 */
import type { Action, Because, Hold } from "../../model/action.ts";
import { noSlotMemory } from "../../model/memory.ts";
import { waitOf } from "../back-off.ts";
import { beginPlacement } from "../placement.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";
import type { Counted } from "../stock.ts";
import { stopInstance } from "../stop.ts";
import { startSlot } from "./start-missing.ts";

const RULE = "replace-unhealthy";

export function replaceUnhealthy(situation: Situation): Proposal {
  const { stock, service, nowMs, memory } = situation;
  const due: Counted[] = [];
  const holds: Hold[] = [];
  for (const one of stock.counted) {
    if (one.condition !== "unhealthy" || one.superseded || isSurplus(situation, one)) continue;
    const forMs = nowMs - (one.notPassingSinceMs ?? nowMs);
    if (forMs >= service.healing.unhealthyAfterMs) due.push(one);
    else holds.push(notYet(situation, one, forMs));
  }
  const first = due[0];
  if (first === undefined) return { actions: [], holds };
  if (isStoodInFor(situation))
    return { actions: [], holds: [...holds, ...due.map((one) => stoodInFor(situation, one))] };
  const others = due.slice(1).map((one) => oneAtATime(situation, one));
  const onItsWay = memory.inFlight.some((entry) => entry.kind !== "scale") || stock.starting > 0;
  if (onItsWay) return { actions: [], holds: [...holds, ...due.map((one) => oneAtATime(situation, one))] };
  const proposal = replace(situation, first);
  return { actions: proposal.actions, holds: [...holds, ...proposal.holds, ...others] };
}

/** Started by hand beside the slots, or left from a larger count: surplus is not replaced. */
function isSurplus({ service, observed }: Situation, { instance }: Counted): boolean {
  if (observed.binding.kind !== "known" || observed.binding.value.kind !== "engine") return false;
  return instance.container.slot === null || instance.container.slot > service.count;
}

/** Enough others serve (started by hand, or left from a larger count): one more would be one too many. */
function isStoodInFor({ service, observed, stock }: Situation): boolean {
  const isOurs = observed.binding.kind === "known" && observed.binding.value.kind === "engine";
  return isOurs && stock.healthy >= service.count;
}

function replace(situation: Situation, one: Counted): Proposal {
  const { observed, memory, service, nowMs, tuning } = situation;
  if (observed.binding.kind !== "known") return nothing;
  const because: Because = { rule: RULE, evidence: evidenceOf(one, nowMs) };
  const { container } = one.instance;
  switch (observed.binding.value.kind) {
    case "none":
      return nothing;
    case "swarm":
      return only({
        kind: "replace-swarm-task",
        service: service.name,
        host: container.host,
        containerId: container.id,
        name: container.name,
        graceMs: service.container?.stopGraceMs ?? 10_000,
        because,
      });
    case "compose":
      return only(stopInstance(service, one, because));
    case "engine":
      break;
  }
  if (container.slot === null) return nothing;
  const remembered = memory.slots[container.slot] ?? { ...noSlotMemory, generation: container.generation ?? 0 };
  const start = startSlot(situation, container.slot, remembered, because.evidence, beginPlacement(situation), RULE);
  if (start.kind === "start-instance") return only(start);
  // Without room the old one must go first; but never during a back-off, when nothing would take its place.
  if (start.heldBy !== "placement" || waitOf(remembered, service.specHash, tuning, nowMs) !== null) {
    return { actions: [], holds: [start] };
  }
  return only(stopInstance(service, one, because));
}

function only(action: Action): Proposal {
  return { actions: [action], holds: [] };
}

function notYet({ service, nowMs }: Situation, one: Counted, forMs: number): Hold {
  return {
    service: service.name,
    because: { rule: RULE, evidence: evidenceOf(one, nowMs) },
    heldBy: "unhealthy-after",
    reason: `it is replaced when that has lasted ${service.healing.unhealthyAfterMs / 1000} s`,
    untilMs: nowMs + service.healing.unhealthyAfterMs - forMs,
  };
}

function stoodInFor({ service, stock, nowMs }: Situation, one: Counted): Hold {
  return {
    service: service.name,
    because: { rule: RULE, evidence: evidenceOf(one, nowMs) },
    heldBy: "enough-serve",
    reason: `${stock.healthy} others serve where ${service.count} are asked for; it is replaced when one of them goes`,
    untilMs: null,
  };
}

function oneAtATime({ service, nowMs }: Situation, one: Counted): Hold {
  return {
    service: service.name,
    because: { rule: RULE, evidence: evidenceOf(one, nowMs) },
    heldBy: "one-at-a-time",
    reason: "another instance of the service is being replaced or started; this one follows",
    untilMs: null,
  };
}

function evidenceOf({ instance, notPassingSinceMs }: Counted, nowMs: number): string {
  const { container, registration } = instance;
  const forS = Math.round((nowMs - (notPassingSinceMs ?? nowMs)) / 1000);
  const what =
    container.state === "paused"
      ? "is paused"
      : container.health === "unhealthy"
        ? "is unhealthy by Docker's own check"
        : registration === null
          ? `is ${container.state} and does not pass`
          : `is ${registration.status} in Consul${registration.output === "" ? "" : `: ${registration.output}`}`;
  return `${container.name} on ${container.host} ${what} (for ${forS} s)`;
}
