import type { Binding, ServiceObservation } from "../model/observation.ts";
import type { ServiceMemory } from "../model/memory.ts";
import type { Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import { rememberSlots } from "./remember-slots.ts";
import type { Stock } from "./stock.ts";
import type { TrustVerdict } from "./trust.ts";
import { sameEntries, withChanges } from "./with-changes.ts";

/**
 * What a look at the service changes in its memory: healthy slots forget their failures in time, and what has vanished
 * is not remembered for ever. Gives back the same object when nothing has changed, so that nothing is written.
 */
export function rememberSeen(
  memory: ServiceMemory,
  service: Service,
  observed: ServiceObservation,
  stock: Stock,
  { trust }: TrustVerdict,
  tuning: Tuning,
  nowMs: number,
): ServiceMemory {
  if (trust === "blind") return memory;
  const { pause } = memory;
  return withChanges(memory, {
    slots: rememberSlots(memory, service, observed, stock, tuning, nowMs),
    notPassingSinceMs: rememberNotPassing(memory, stock),
    surplusSinceMs: stock.surplus > 0 ? (memory.surplusSinceMs ?? nowMs) : null,
    registrations: trust === "trusted" ? countRegistered(stock) : memory.registrations,
    binding: rememberBinding(memory.binding, observed),
    pause: pause?.untilMs != null && nowMs >= pause.untilMs ? null : pause,
  });
}

function rememberNotPassing(memory: ServiceMemory, { amiss }: Stock): ServiceMemory["notPassingSinceMs"] {
  const since: Record<string, number> = {};
  for (const { condition, instance, notPassingSinceMs } of amiss) {
    const { id } = instance.container;
    switch (condition) {
      case "starting":
      case "unregistered":
      case "unhealthy":
      case "leaving":
        if (notPassingSinceMs !== null) since[id] = notPassingSinceMs;
        break;
      case "unknown": {
        const before = memory.notPassingSinceMs[id];
        if (before !== undefined) since[id] = before;
        break;
      }
      case "healthy":
      case "incomplete":
      case "ended":
        break;
    }
  }
  return sameEntries(memory.notPassingSinceMs, since) ? memory.notPassingSinceMs : since;
}

function countRegistered({ counted }: Stock): number {
  return counted.filter(({ instance }) => instance.registration !== null).length;
}

/** An engine's own binding is plain from the desired state; only an adopted one needs remembering. */
function rememberBinding(before: Binding | null, { binding }: ServiceObservation): Binding | null {
  if (binding.kind === "unknown") return before;
  switch (binding.value.kind) {
    case "engine":
    case "none":
      return before;
    case "swarm":
    case "compose": {
      // Swarm's version and replicas move with every touch; remembered, they would be written for nothing.
      const found =
        binding.value.kind === "swarm" ? { ...binding.value, version: 0, replicas: 0, updating: false } : binding.value;
      return JSON.stringify(found) === JSON.stringify(before) ? before : found;
    }
  }
}
