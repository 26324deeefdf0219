import type { FleetMemory } from "../model/memory.ts";
import type { HostObservation, Observation } from "../model/observation.ts";
import type { Tuning } from "../model/tuning.ts";
import { isCheckerSick } from "./guards/checker-sick.ts";

/** Freezes when the checker looks sick and thaws when it does not; drops the stops that have left the window. */
export function rememberFleet(memory: FleetMemory, { fleet }: Observation, tuning: Tuning, nowMs: number): FleetMemory {
  const stopsAtMs = memory.stopsAtMs.filter((atMs) => nowMs - atMs < tuning.blastRadius.windowMs);
  const frozenSinceMs = isCheckerSick(fleet, tuning) ? (memory.frozenSinceMs ?? nowMs) : null;
  if (frozenSinceMs === memory.frozenSinceMs && stopsAtMs.length === memory.stopsAtMs.length) return memory;
  return { ...memory, frozenSinceMs, stopsAtMs };
}

export function rememberStops(memory: FleetMemory, stops: number, nowMs: number): FleetMemory {
  if (stops === 0) return memory;
  return { ...memory, stopsAtMs: [...memory.stopsAtMs, ...Array<number>(stops).fill(nowMs)] };
}

/** Adds the hosts that some service has given up, and forgets those that answer again or are not configured any more. */
export function rememberLostHosts(
  memory: FleetMemory,
  hosts: Readonly<Record<string, HostObservation>>,
  lost: ReadonlySet<string>,
  nowMs: number,
): FleetMemory {
  const before = Object.entries(memory.lostHosts);
  const kept = before.filter(([name]) => lost.has(name) || (hosts[name]?.silentSinceMs ?? null) !== null);
  const fresh = [...lost].filter((name) => memory.lostHosts[name] === undefined);
  if (fresh.length === 0 && kept.length === before.length) return memory;
  return { ...memory, lostHosts: Object.fromEntries([...kept, ...fresh.map((name) => [name, nowMs] as const)]) };
}
