/**
 * Fewer instances than asked for: start what is missing, and no more. What is starting, on its way or on a host that
 * does not answer counts as there. A slot that failed before waits for its back-off; one that keeps failing is
 * quarantined and tried only now and then, until somebody looks at it or its specification changes.
 */
import type { Because, Hold, StartInstance } from "../../model/action.ts";
import { instanceName } from "../../model/labels.ts";
import type { SlotMemory } from "../../model/memory.ts";
import { noSlotMemory } from "../../model/memory.ts";
import { waitOf } from "../back-off.ts";
import { lostAtMs } from "../lost-host.ts";
import type { Placements } from "../placement.ts";
import { beginPlacement } from "../placement.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { bindingOf, gather, holdBack, nothing } from "../situation.ts";
import type { Slot } from "../stock.ts";

export function startMissing(situation: Situation): Proposal {
  if (bindingOf(situation)?.kind !== "engine") return nothing;
  const { stock } = situation;
  const hidden = stock.slots.filter(({ state }) => state === "unknown").map((slot) => hiddenHold(situation, slot));
  const empty = stock.slots.filter(({ state }) => state === "empty");
  const missing = empty.slice(0, Math.max(0, empty.length - stock.besides));
  if (missing.length === 0) return gather(hidden);
  const placements = beginPlacement(situation);
  return gather([...hidden, ...missing.map((slot) => fill(situation, slot, placements))]);
}

function fill(situation: Situation, slot: Slot, placements: Placements): StartInstance | Hold {
  const { service, memory } = situation;
  const because = { rule: RULE.startMissing, evidence: evidenceOf(situation, slot) };
  if (service.container === null) {
    return holdBack(situation, because, "no-template", "without a container template it cannot be started");
  }
  return startSlot(situation, slot.number, memory.slots[slot.number] ?? noSlotMemory, because, placements);
}

/** A start for one slot, or the hold that says why there is none. Also used to replace an unhealthy instance. */
export function startSlot(
  situation: Situation,
  slot: number,
  remembered: SlotMemory,
  because: Because,
  placements: Placements,
): StartInstance | Hold {
  const { service, environment, nowMs } = situation;
  const wait = waitOf(remembered, service.specHash, nowMs);
  if (wait !== null) return holdBack(situation, because, wait.heldBy, wait.reason, wait.untilMs);
  const placed = placements.place(remembered);
  if (placed.kind === "none") return holdBack(situation, because, "placement", placed.reason);
  // What may have happened there is repeated under its own name; anywhere else it is another instance.
  const isRepeated = !remembered.confirmed && remembered.host === placed.host;
  const generation = isRepeated ? remembered.generation : remembered.generation + 1;
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

function evidenceOf({ service, stock }: Situation, { number, occupant }: Slot): string {
  const lost = stock.lostHosts.length > 0 ? `; lost hosts: ${stock.lostHosts.join(", ")}` : "";
  return `slot ${number} of ${service.count} is empty: ${whatIsLeft(occupant)}${lost}`;
}

function whatIsLeft(occupant: Slot["occupant"]): string {
  if (occupant === null) return "nothing runs in it";
  const { name, exitCode } = occupant.instance.container;
  if (occupant.condition === "incomplete") return `${name} was created and never started`;
  return `${name} ended${exitCode === null ? "" : ` with exit code ${exitCode}`}`;
}

/** An instance that cannot be seen is not replaced before its host is agreed to be lost. */
function hiddenHold(situation: Situation, { number, occupant }: Slot): Hold {
  const { service, memory, hosts, observed, stock } = situation;
  const silent = Object.keys(observed.silentHosts).filter((name) => !stock.lostHosts.includes(name));
  const { host: last = null, olderHost = null } = memory.slots[number] ?? noSlotMemory;
  const places = [occupant?.instance.container.host ?? last, olderHost];
  const name = places.find((place) => place !== null && silent.includes(place)) ?? silent[0] ?? "";
  const host = hosts[name];
  return holdBack(
    situation,
    {
      rule: RULE.startMissing,
      evidence: `slot ${number} of ${service.count} may run on ${name}, which does not answer`,
    },
    "silent-host",
    "it is replaced when a second source agrees that the host is gone and that has lasted long enough",
    host === undefined ? null : lostAtMs(host, service.healing.lostAfterMs),
  );
}
