import type { AlertFacts, HostFacts } from "../../model/alert.ts";
import { alertKey } from "./condition.ts";

/** How long after its cause an effect may begin and still be put down to it. */
const EFFECT_WINDOW_MS = 600_000;
/** Consul may notice a service's death before the host's silence is noticed. */
const EFFECT_LEAD_MS = 60_000;

/**
 * Keys of the conditions that explain why a service is short of instances or not to be judged: a host it ran on that is
 * gone, a sick checker, a blind environment, a failed action, a quarantine. Only what began at about the same time is
 * explained by a host: a dead machine must not hide an outage of the week after.
 */
export function causesOf(
  facts: AlertFacts,
  service: string,
  kind: "below-count" | "unknown",
  sinceMs: number,
): readonly string[] {
  const causes = Object.entries(facts.hosts)
    .filter(([name, host]) => carries(host, service) && beganWith(goneSinceMs(facts, name, host), sinceMs))
    .map(([name]) => alertKey(facts, "host-lost", name));
  if (beganWith(facts.fleet.frozenSinceMs, sinceMs)) causes.push(alertKey(facts, "freeze", facts.environment));
  causes.push(alertKey(facts, "blind", facts.environment));
  if (kind === "below-count") {
    causes.push(alertKey(facts, "quarantine", service), alertKey(facts, "action-failed", service));
  }
  return causes;
}

/** Since when a host has not answered or been lost, on the steady clock; null while it answers. */
export function goneSinceMs(facts: AlertFacts, name: string, { observation }: HostFacts): number | null {
  const lostAtMs = facts.fleet.lostHosts[name] ?? null;
  if (observation.silentSinceMs === null) return lostAtMs;
  return lostAtMs === null ? observation.silentSinceMs : Math.min(lostAtMs, observation.silentSinceMs);
}

function carries({ carried }: HostFacts, service: string): boolean {
  return carried.some((one) => one.service === service);
}

function beganWith(causeSinceMs: number | null, effectSinceMs: number): boolean {
  if (causeSinceMs === null) return false;
  return effectSinceMs >= causeSinceMs - EFFECT_LEAD_MS && effectSinceMs <= causeSinceMs + EFFECT_WINDOW_MS;
}
