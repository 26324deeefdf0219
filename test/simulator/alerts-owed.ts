import type { AlertState } from "../../src/model/alert.ts";
import { CRITICAL } from "../../src/model/status.ts";
import type { SimulatedWorld } from "./world.ts";

/** An alert waits so long before it is told, and so long for the next try, at the most; and a bit. */
const TOLD_WITHIN_MS = 5 * 60_000;

/** Services that their leader calls critical now. */
export function criticalServices({ controllers }: SimulatedWorld): ReadonlySet<string> {
  const leader = controllers.running().find(({ leadership }) => leadership.standing().kind === "leader");
  const plans = leader?.board.plans() ?? [];
  return new Set(plans.filter(({ standing }) => standing.status === CRITICAL).map(({ service }) => service));
}

/**
 * L5: whatever was to be told has reached its channels once these work again, and who has been critical for long
 * (`criticalBefore` is from `TOLD_WITHIN_MS` ago) is named in an alert that fires.
 */
export function untold(world: SimulatedWorld, criticalBefore: ReadonlySet<string>): readonly string[] {
  if (!world.plan.alerts || world.keys.leader().lease === null) return [];
  const text = world.keys.get("memory/alerts");
  const saved = text === null ? null : (JSON.parse(text) as { readonly value: AlertState }).value;
  const troubles: string[] = [];
  const firing = new Set<string>();
  for (const { key, phase, services, channels } of Object.values(saved?.alerts ?? {})) {
    for (const [channel, { owed }] of Object.entries(channels)) {
      if (owed !== null && saved!.savedAtMs - owed.sinceMs > TOLD_WITHIN_MS)
        troubles.push(`L5: ${channel} has been owed ${key} for ${saved!.savedAtMs - owed.sinceMs} ms`);
    }
    if (phase !== "firing") continue;
    const [mail] = world.channels;
    if (mail!.taken.some(({ message }) => message.key === key)) for (const service of services) firing.add(service);
  }
  for (const service of criticalServices(world)) {
    if (!criticalBefore.has(service) || firing.has(service)) continue;
    troubles.push(`L5: ${service} has been critical for ${TOLD_WITHIN_MS} ms, and no alert that fires names it`);
  }
  return troubles;
}

export const LOOK_BEFORE_END_MS = TOLD_WITHIN_MS;
