import type { SlotMemory } from "../model/memory.ts";
import type { Service } from "../model/service.ts";
import type { Situation } from "./situation.ts";

export type Placement =
  | { readonly kind: "host"; readonly host: string }
  | { readonly kind: "none"; readonly reason: string };

export interface Placements {
  /** Picks a host for a slot and counts it as taken, so that the next pick sees it. */
  place(remembered: SlotMemory): Placement;
}

/** From so many failures on one host on, any other is better. */
const FAILURES_ON_HOST_MAX = 2;

/**
 * Spreads a service's instances over the hosts that answer: the one with the fewest of them first, then the one the
 * slot was on before, then the emptiest, then by name. A host where the slot failed twice, or that Consul holds to be
 * sick, is the last choice. Data of a slot's own binds it to where it was.
 */
export function beginPlacement(situation: Situation): Placements {
  const { service, hosts, observed, memory, stock } = situation;
  const wanted = service.placement.hosts ?? Object.keys(hosts);
  const answering = wanted.filter(
    (name) => hosts[name]?.engine.kind === "known" && observed.silentHosts[name] === undefined,
  );
  const ofService = new Map<string, number>();
  const take = (host: string) => ofService.set(host, (ofService.get(host) ?? 0) + 1);
  const sick = new Set<string>();
  for (const { instance, condition } of stock.counted) {
    if (condition !== "ended" && condition !== "incomplete") take(instance.container.host);
    if (instance.registration?.nodeStatus === "critical") sick.add(instance.container.host);
  }
  for (const { kind, host } of memory.inFlight) if (kind === "start" && host !== null) take(host);
  const perHostMax = perHostLimit(service);
  const isBound = isBoundToHost(service);

  const preferenceOf = (name: string, { host, failedHosts }: SlotMemory): Preference => [
    isBound && host === name ? 0 : 1,
    failedHosts.filter((failed) => failed === name).length >= FAILURES_ON_HOST_MAX ? 1 : 0,
    sick.has(name) ? 1 : 0,
    ofService.get(name) ?? 0,
    host === name ? 0 : 1,
    hosts[name]?.load ?? 0,
    name,
  ];
  return {
    place(remembered) {
      const { confirmed, host } = remembered;
      // A start that may have happened is repeated where it may have happened, so that it collides instead of doubling.
      const best =
        !confirmed && host !== null && answering.includes(host)
          ? host
          : first(
              answering.filter((name) => (ofService.get(name) ?? 0) < perHostMax),
              (name) => preferenceOf(name, remembered),
            );
      if (best === null) return { kind: "none", reason: whyNone(situation, wanted, answering, perHostMax) };
      take(best);
      return { kind: "host", host: best };
    },
  };
}

/** Whether two instances of one slot must not run side by side on one host: they would share the slot's own data. */
export function isBoundToHost({ container }: Service): boolean {
  return container?.volumes.some((volume) => volume.includes("{slot}")) ?? false;
}

/** A fixed host port allows one instance per host, whatever the file says. */
function perHostLimit({ container, placement }: Service): number {
  const hasFixedPort = container?.ports.some((port) => port.host !== null) ?? false;
  return Math.min(placement.maxPerHost ?? Number.POSITIVE_INFINITY, hasFixedPort ? 1 : Number.POSITIVE_INFINITY);
}

/** Compared from left to right; smaller is better. */
type Preference = readonly (number | string)[];

function first(names: readonly string[], preferenceOf: (name: string) => Preference): string | null {
  let best: { readonly name: string; readonly preference: Preference } | null = null;
  for (const name of names) {
    const preference = preferenceOf(name);
    if (best === null || isBetter(preference, best.preference)) best = { name, preference };
  }
  return best?.name ?? null;
}

function isBetter(a: Preference, b: Preference): boolean {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right !== undefined && left !== right) return left < right;
  }
  return false;
}

function whyNone(
  { hosts }: Situation,
  wanted: readonly string[],
  answering: readonly string[],
  perHostMax: number,
): string {
  if (wanted.length === 0) return "no host is configured";
  const strangers = wanted.filter((name) => hosts[name] === undefined);
  if (strangers.length === wanted.length) return `none of its hosts is in the settings (${strangers.join(", ")})`;
  if (answering.length === 0) return `none of its hosts answers (${wanted.join(", ")})`;
  return `every host that answers has its ${perHostMax} already (${answering.join(", ")})`;
}
