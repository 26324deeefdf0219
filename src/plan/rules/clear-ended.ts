/**
 * Containers of ours that have ended, or were created and never started, are cleared away once their slot is served
 * again or holds a newer one; until then the last one stays as evidence.
 */
import type { RemoveInstance } from "../../model/action.ts";
import { RULE } from "../rule-names.ts";
import { generationOf } from "../same-slot.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";
import { ownRegistration } from "../stop.ts";
import { removalOf } from "../subject.ts";
import type { Counted } from "../stock.ts";

export function clearEnded(situation: Situation): Proposal {
  const { stock, service, memory } = situation;
  const ended = stock.counted.filter((one) => one.instance.container.slot !== null && isOver(one));
  if (ended.length === 0 || memory.inFlight.some(({ kind }) => kind === "start")) return nothing;
  const served = new Set(stock.slots.filter(({ state }) => state === "healthy").map(({ number }) => number));
  const newest = newestPerSlot(stock.counted);
  const underWay = new Set(memory.inFlight.map(({ subject }) => subject));
  const superfluous = ended.filter((one) => {
    if (underWay.has(removalOf(one.instance.container.id))) return false;
    const slot = one.instance.container.slot ?? 0;
    return slot > service.count || served.has(slot) || newest.get(slot) !== one;
  });
  return { actions: superfluous.map((one) => removal(situation, one)), holds: [] };
}

function removal(situation: Situation, one: Counted): RemoveInstance {
  const { service, environment, stock } = situation;
  const { host, id, name, slot } = one.instance.container;
  const what = one.condition === "ended" ? "has ended" : "was never started";
  const why = (slot ?? 0) > service.count ? "is not asked for" : "holds another";
  return {
    kind: "remove-instance",
    service: service.name,
    host,
    containerId: id,
    name,
    // A slot's instances register under one id: what stands there now may be the successor's already.
    registration: hasSuccessor(one, stock.counted) ? null : ownRegistration(environment, one.instance),
    because: { rule: RULE.clearEnded, evidence: `${name} on ${host} ${what}, and slot ${slot} ${why}` },
  };
}

function isOver({ condition }: Counted): boolean {
  return condition === "ended" || condition === "incomplete";
}

function newestPerSlot(counted: readonly Counted[]): ReadonlyMap<number | null, Counted> {
  const newest = new Map<number | null, Counted>();
  for (const one of counted) {
    const { slot } = one.instance.container;
    const rival = newest.get(slot);
    if (rival === undefined || generationOf(one) > generationOf(rival)) newest.set(slot, one);
  }
  return newest;
}

function hasSuccessor({ instance }: Counted, counted: readonly Counted[]): boolean {
  const { slot, host } = instance.container;
  return counted.some(
    (other) => other.instance.container.slot === slot && other.instance.container.host === host && !isOver(other),
  );
}
