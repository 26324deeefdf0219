/**
 * Fewer instances than asked for: start what is missing, and no more. What is starting, on its way or on a host that
 * does not answer counts as there. A slot that failed before waits for its back-off; one that keeps failing is
 * quarantined and tried only now and then, until somebody looks at it or its specification changes.
 */
import type { Hold, StartInstance } from "../../model/action.ts";
import { instanceName } from "../../model/labels.ts";
import type { SlotMemory } from "../../model/memory.ts";
import { noSlotMemory } from "../../model/memory.ts";
import type { Service } from "../../model/service.ts";
import type { Placements } from "../placement.ts";
import { beginPlacement } from "../placement.ts";
import { waitOf } from "../back-off.ts";
import type { Proposal, Situation } from "../situation.ts";
import type { Stock } from "../stock.ts";
import { nothing } from "../situation.ts";

const RULE = "start-missing";

export function startMissing(situation: Situation): Proposal {
  const { service, stock, memory, observed } = situation;
  if (observed.binding.kind !== "known" || observed.binding.value.kind !== "engine") return nothing;
  const occupied = stock.slots.filter((slot) => slot.state !== "empty").length;
  const missing = service.count - occupied - besideTheSlots(stock, service);
  const actions: StartInstance[] = [];
  const holds: Hold[] = [];
  const placements = beginPlacement(situation);
  for (const slot of stock.slots) {
    if (slot.state !== "empty" || actions.length + holds.length >= missing) continue;
    const remembered = memory.slots[slot.number] ?? noSlotMemory;
    const outcome = startSlot(situation, slot.number, remembered, missingEvidence(situation, slot.number), placements);
    if (outcome.kind === "start-instance") actions.push(outcome);
    else holds.push(outcome);
  }
  return { actions, holds };
}

/** Live instances that serve though no slot is theirs: started by hand, or left from a larger count. */
function besideTheSlots({ counted }: Stock, { count }: Service): number {
  return counted.filter(({ condition, instance, superseded }) => {
    const { slot } = instance.container;
    return !superseded && (slot === null || slot > count) && (condition === "healthy" || condition === "starting");
  }).length;
}

/** A start for one slot, or the hold that says why there is none. Also used to replace an unhealthy instance. */
export function startSlot(
  situation: Situation,
  slot: number,
  remembered: SlotMemory,
  evidence: string,
  placements: Placements,
  rule = RULE,
): StartInstance | (Hold & { readonly kind?: never }) {
  const { service, environment, nowMs } = situation;
  const because = { rule, evidence };
  const wait = waitOf(remembered, service.specHash, situation.tuning, nowMs);
  if (wait !== null) return { service: service.name, because, ...wait };
  const placed = placements.place(slot, remembered);
  if (placed.kind === "none") {
    return { service: service.name, because, heldBy: "placement", reason: placed.reason, untilMs: null };
  }
  // A repeated start keeps its name, so that it collides with what it may have made; on another host it cannot, and two
  // containers of one name would be taken for each other when the first host is back.
  const repeats = !remembered.confirmed && placed.host === remembered.host;
  const generation = repeats ? remembered.generation : remembered.generation + 1;
  return {
    kind: "start-instance",
    service: service.name,
    host: placed.host,
    slot,
    generation,
    name: instanceName(environment, service.name, slot, generation),
    specHash: service.specHash ?? "",
    because,
  };
}

function missingEvidence({ service, stock }: Situation, number: number): string {
  const slot = stock.slots[number - 1];
  const ended = stock.counted.find(
    ({ instance, condition }) => instance.container.slot === number && condition === "ended",
  );
  const lost = stock.lostHosts.length > 0 ? `; lost hosts: ${stock.lostHosts.join(", ")}` : "";
  const what =
    ended === undefined
      ? "nothing runs in it"
      : `${ended.instance.container.name} ended${ended.instance.container.exitCode === null ? "" : ` with exit code ${ended.instance.container.exitCode}`}`;
  return `slot ${slot?.number ?? number} of ${service.count} is empty: ${what}${lost}`;
}
