/**
 * Containers of ours that have ended, or were created and never started, are cleared away once their slot is served
 * again or holds a newer one; until then the last one stays as evidence. While `heal` starts containers on the host, for
 * whichever service, they wait: the engine would be slower to start what is missing.
 */
import type { Hold, RemoveInstance } from "../../model/action.ts";
import { RULE } from "../rule-names.ts";
import { generationOf } from "../same-slot.ts";
import type { Proposal, Situation } from "../situation.ts";
import { gather, holdBack, nothing } from "../situation.ts";
import { ownRegistration } from "../stop.ts";
import { removalOf } from "../subject.ts";
import type { Counted, Stock } from "../stock.ts";

const AFTER_STARTS_MS = 1_000;

export function clearEnded(situation: Situation): Proposal {
  const { stock, service, memory } = situation;
  const ended = stock.amiss.filter((one) => one.instance.container.slot !== null && isOver(one));
  if (ended.length === 0 || memory.inFlight.some(({ kind }) => kind === "start")) return nothing;
  const underWay = new Set(memory.inFlight.map(({ subject }) => subject));
  const superfluous = ended.filter((one) => {
    if (underWay.has(removalOf(one.instance.container.id))) return false;
    const slot = one.instance.container.slot ?? 0;
    const isServed = stock.slots[slot - 1]?.state === "healthy";
    return isServed || slot > service.count || newestOf(companyOf(one, stock)) !== one;
  });
  return gather(superfluous.map((one) => removal(situation, one)));
}

function removal(situation: Situation, one: Counted): RemoveInstance | Hold {
  const { service, environment, stock, hosts, nowMs } = situation;
  const { host, id, name, slot } = one.instance.container;
  const what = one.condition === "ended" ? "has ended" : "was never started";
  const why = (slot ?? 0) > service.count ? "is not asked for" : "holds another";
  const because = { rule: RULE.clearEnded, evidence: `${name} on ${host} ${what}, and slot ${slot} ${why}` };
  if ((hosts[host]?.starting ?? 0) > 0) {
    const reason = `${host} is starting what is missing, which comes first`;
    return holdBack(situation, because, "starts-first", reason, nowMs + AFTER_STARTS_MS);
  }
  return {
    kind: "remove-instance",
    service: service.name,
    host,
    containerId: id,
    name,
    // A slot's instances register under one id: what stands there now may be the successor's already.
    registration: hasSuccessor(one, stock) ? null : ownRegistration(environment, one.instance),
    because,
  };
}

function isOver({ condition }: Counted): boolean {
  return condition === "ended" || condition === "incomplete";
}

function companyOf({ instance }: Counted, { bySlot }: Stock): readonly Counted[] {
  return bySlot.get(instance.container.slot) ?? [];
}

function newestOf(company: readonly Counted[]): Counted | null {
  return company.reduce<Counted | null>(
    (newest, one) => (newest === null || generationOf(one) > generationOf(newest) ? one : newest),
    null,
  );
}

function hasSuccessor(one: Counted, stock: Stock): boolean {
  const { host } = one.instance.container;
  return companyOf(one, stock).some((other) => other.instance.container.host === host && !isOver(other));
}
