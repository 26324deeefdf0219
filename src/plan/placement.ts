import type { SlotMemory } from "../model/memory.ts";
import type { Situation } from "./situation.ts";

export interface Placements {
  /** Picks a host for the slot and counts it as taken, so that the next pick sees it. */
  place(
    slot: number,
    remembered: SlotMemory,
  ): { readonly kind: "host"; readonly host: string } | { readonly kind: "none"; readonly reason: string };
}

/**
 * Spreads a service's instances: the host with the fewest of them first, then the one the slot was on before, then
 * the emptiest, then by name. A host where the slot failed twice is the last choice; one that does not answer is none.
 */
export function beginPlacement(situation: Situation): Placements {
  const { service, hosts, observed, stock } = situation;
  const wanted = service.placement.hosts ?? Object.keys(hosts);
  const answering = wanted.filter(
    (name) => hosts[name]?.engine.kind === "known" && observed.silentHosts[name] === undefined,
  );
  const ofService = new Map<string, number>(wanted.map((name) => [name, 0]));
  const add = (host: string) => ofService.set(host, (ofService.get(host) ?? 0) + 1);
  for (const { instance, condition } of stock.counted) {
    if (condition !== "ended" && condition !== "incomplete") add(instance.container.host);
  }
  for (const entry of situation.memory.inFlight) if (entry.kind === "start" && entry.host !== null) add(entry.host);
  const perHostMax = perHostLimit(situation);

  return {
    place(_slot, remembered) {
      // A start that may have happened is repeated where it may have happened, so that it collides instead of doubling.
      if (!remembered.confirmed && remembered.host !== null && answering.includes(remembered.host)) {
        add(remembered.host);
        return { kind: "host", host: remembered.host };
      }
      const candidates = answering.filter((name) => (ofService.get(name) ?? 0) < perHostMax);
      const key = (name: string): readonly [number, number, number, number, string] => [
        remembered.failedHosts.filter((failed) => failed === name).length >= 2 ? 1 : 0,
        ofService.get(name) ?? 0,
        remembered.host === name ? 0 : 1,
        hosts[name]?.load ?? 0,
        name,
      ];
      const best = candidates.map(key).sort(compareKeys)[0]?.[4];
      if (best === undefined) return { kind: "none", reason: whyNone(wanted, answering, perHostMax) };
      add(best);
      return { kind: "host", host: best };
    },
  };
}

/** A fixed host port allows one instance per host, whatever the file says. */
function perHostLimit({ service }: Situation): number {
  const fixedPort = service.container?.ports.some((port) => port.host !== null) ?? false;
  return Math.min(service.placement.maxPerHost ?? Number.POSITIVE_INFINITY, fixedPort ? 1 : Number.POSITIVE_INFINITY);
}

function compareKeys(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined || left === right) continue;
    return left < right ? -1 : 1;
  }
  return 0;
}

function whyNone(wanted: readonly string[], answering: readonly string[], perHostMax: number): string {
  if (wanted.length === 0) return "no host is configured";
  if (answering.length === 0) return `none of its hosts answers (${wanted.join(", ")})`;
  return `every host that answers has its ${perHostMax} already (${answering.join(", ")})`;
}
