import type { Container, Instance } from "../model/instance.ts";
import type { InFlight, ServiceMemory } from "../model/memory.ts";
import type { ServiceObservation } from "../model/observation.ts";
import { removalOf } from "./subject.ts";

/**
 * Drops the actions in flight whose effect is seen. One whose time is over without that is dropped only by a fresh look
 * to which its own host has answered: until then it may yet appear. What was on its way to a lost host is lost with it,
 * but for a stop: a host that comes back brings back what was taken out of service on it.
 */
export function settleInFlight(
  memory: ServiceMemory,
  observed: ServiceObservation,
  lostHosts: readonly string[],
  nowMs: number,
): ServiceMemory {
  if (memory.inFlight.length === 0) return memory;
  const seen = indexOf(observed);
  const left = memory.inFlight.filter((entry) => {
    if (entry.host !== null && lostHosts.includes(entry.host)) return entry.kind === "stop";
    if (!isUnderWay(entry, seen, observed, nowMs)) return false;
    const hasLooked = observed.freshRuntime && observed.silentHosts[entry.host ?? ""] === undefined;
    const isOver = nowMs >= entry.expiresAtMs && hasLooked;
    return !isOver || isHalfStopped(entry, seen);
  });
  return left.length === memory.inFlight.length ? memory : { ...memory, inFlight: left };
}

/** An action whose time is over and whose effect was not seen: only a fresh look says what became of it. */
export function isAwaitingLook(memory: ServiceMemory, observed: ServiceObservation, nowMs: number): boolean {
  if (observed.freshRuntime) return false;
  // A host that does not answer says nothing to a fresh look either.
  const canAnswer = (host: string | null): boolean => host === null || observed.silentHosts[host] === undefined;
  return memory.inFlight.some(({ expiresAtMs, host }) => nowMs >= expiresAtMs && canAnswer(host));
}

interface Seen {
  readonly byId: ReadonlyMap<string, Instance>;
  /** Subjects of removals of what is still there. */
  readonly unremoved: ReadonlySet<string>;
  /** `slot/generation` of every container that was started. */
  readonly started: ReadonlySet<string>;
}

function indexOf({ instances }: ServiceObservation): Seen {
  const started = instances.filter(({ container, current }) => current && container.state !== "created");
  return {
    byId: new Map(instances.map((instance) => [instance.container.id, instance])),
    unremoved: new Set(instances.map(({ container }) => removalOf(container.id))),
    started: new Set(started.map(({ container }) => `${container.slot}/${container.generation}`)),
  };
}

function isUnderWay(entry: InFlight, seen: Seen, observed: ServiceObservation, nowMs: number): boolean {
  switch (entry.kind) {
    case "start":
      return !seen.started.has(`${entry.slot}/${entry.generation}`);
    case "stop": {
      if (seen.unremoved.has(entry.subject)) return true;
      const instance = seen.byId.get(entry.subject);
      if (instance === undefined) return observed.silentHosts[entry.host ?? ""] !== undefined;
      return !instance.current || isRunning(instance.container);
    }
    case "register":
      // Consul shows when it has taken effect, and the engines know nothing of it: its time is all there is.
      return nowMs < entry.expiresAtMs;
    case "scale": {
      const binding = observed.binding.kind === "known" ? observed.binding.value : null;
      return binding?.kind !== "swarm" || binding.replicas !== entry.slot;
    }
  }
}

/** Out of service by our own hand, and still running: forgotten now, it would stay so for ever. See finish-stop. */
function isHalfStopped(entry: InFlight, seen: Seen): boolean {
  const instance = entry.kind === "stop" ? seen.byId.get(entry.subject) : undefined;
  return instance?.current === true && instance.registration?.inMaintenance === true && isRunning(instance.container);
}

function isRunning({ state }: Container): boolean {
  return state === "running" || state === "paused" || state === "restarting";
}
