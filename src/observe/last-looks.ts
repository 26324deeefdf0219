import type { Container } from "../model/instance.ts";
import type { ServiceObservation } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { ServiceAnswer } from "./registry-mirror.ts";

/** All that a look at a service comes from, where an engine runs it and every host answers. */
export interface Sources {
  readonly service: Service;
  /** Whatever the engines hold under its keys. */
  readonly containers: readonly Container[];
  readonly answer: ServiceAnswer;
  readonly registrationsBefore: number | null;
}

/**
 * What the last look at each service came to. Mirrors hand out the same objects as long as nothing has changed, and from
 * the same sources comes the same observation: it need not be made again, and who plans sees by it that there is no news.
 */
export interface LastLooks {
  /** The very observation that these sources came to; null where they are not the same. */
  from(sources: Sources): ServiceObservation | null;
  keep(sources: Sources, observation: ServiceObservation): void;
  forget(service: string): void;
  /** Something has changed that no source shows: which node a host is. */
  forgetAll(): void;
}

export function openLastLooks(): LastLooks {
  const last = new Map<string, { readonly sources: Sources; readonly observation: ServiceObservation }>();
  return {
    from(sources) {
      const before = last.get(sources.service.name);
      return before !== undefined && areSame(before.sources, sources) ? before.observation : null;
    },
    keep: (sources, observation) => void last.set(sources.service.name, { sources, observation }),
    forget: (service) => void last.delete(service),
    forgetAll: () => last.clear(),
  };
}

function areSame(one: Sources, other: Sources): boolean {
  return (
    one.service === other.service &&
    one.answer.registrations === other.answer.registrations &&
    one.answer.index === other.answer.index &&
    one.registrationsBefore === other.registrationsBefore &&
    one.containers.length === other.containers.length &&
    one.containers.every((container, at) => container === other.containers[at])
  );
}
