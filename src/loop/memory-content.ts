import { isDeepStrictEqual } from "node:util";
import type { FleetMemory, Memory, ServiceMemory } from "../model/memory.ts";
import { noFleetMemory, noServiceMemory } from "../model/memory.ts";
import type { MemoryEntry } from "../ports/coordination.ts";
import { condenseFleet, condenseService, readEntry, writeEntry, type Writer } from "./memory-entry.ts";
import { readFleetMemory, readServiceMemory, Unreadable, type Translation } from "./memory-shape.ts";

/** All that is kept under `memory/`, as this process understands it. */
export interface Content {
  readonly memory: Memory;
  readonly alerts: unknown;
  /** Keys whose content cannot be read, still in their place. */
  readonly spoilt: readonly Spoilt[];
}

export interface Spoilt extends MemoryEntry {
  readonly reason: string;
}

/** What is to be written: null forgets a service. */
export interface MemoryUpdate {
  readonly fleet?: FleetMemory;
  readonly services?: Readonly<Record<string, ServiceMemory | null>>;
  /** What alerting remembers: plain JSON, its times its own business. */
  readonly alerts?: unknown;
}

const fleetKey = "memory/fleet";
const alertsKey = "memory/alerts";
const servicePrefix = "memory/services/";

export const noContent: Content = { memory: { fleet: noFleetMemory, services: {} }, alerts: null, spoilt: [] };

/** The same, with nothing held against any instance for longer than since `nowMs`. */
export function begunAnew(content: Content, nowMs: number): Content {
  const services = Object.entries(content.memory.services).map(([name, service]) => {
    const ids = Object.keys(service.notPassingSinceMs);
    if (ids.length === 0) return [name, service] as const;
    return [name, { ...service, notPassingSinceMs: Object.fromEntries(ids.map((id) => [id, nowMs])) }] as const;
  });
  return { ...content, memory: { ...content.memory, services: Object.fromEntries(services) } };
}

/** `holdMs`: how long a service whose memory cannot be read is only looked at. */
export function readContent(entries: readonly MemoryEntry[], reader: Writer, holdMs: number): Content {
  const spoilt: Spoilt[] = [];
  const services: [string, ServiceMemory][] = [];
  let fleet = noFleetMemory;
  let alerts: unknown = null;
  const attempt = <T>(
    entry: MemoryEntry,
    read: (value: unknown, times: Translation) => T,
    otherwise: (reason: string) => T,
  ): T => {
    try {
      return readEntry(entry.text, reader, read);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      spoilt.push({ ...entry, reason: error.message });
      return otherwise(error.message);
    }
  };
  for (const entry of entries) {
    if (entry.key === fleetKey) {
      fleet = attempt(entry, readFleetMemory, () => noFleetMemory);
    } else if (entry.key === alertsKey) {
      alerts = attempt<unknown>(
        entry,
        (value) => value,
        () => null,
      );
    } else if (entry.key.startsWith(servicePrefix)) {
      const name = entry.key.slice(servicePrefix.length);
      services.push([name, attempt(entry, readServiceMemory, (reason) => onlyLookedAt(reason, reader.nowMs, holdMs))]);
    }
  }
  return { memory: { fleet, services: Object.fromEntries(services) }, alerts, spoilt };
}

/**
 * What an unreadable memory knew (above all: which actions are on their way) is lost. So the service is paused until
 * such actions have shown or can be ruled out, and is looked at meanwhile; people see the reason, and may resume it.
 */
function onlyLookedAt(reason: string, nowMs: number, holdMs: number): ServiceMemory {
  return {
    ...noServiceMemory,
    pause: { sinceMs: nowMs, untilMs: nowMs + holdMs, why: `its memory was set aside: ${reason}` },
  };
}

/** The keys that an update changes, with their new text; null deletes. */
export function changedTexts(content: Content, update: MemoryUpdate, writer: Writer): Map<string, string | null> {
  const texts = new Map<string, string | null>();
  const { fleet, services } = content.memory;
  if (update.fleet !== undefined && !isDeepStrictEqual(update.fleet, fleet)) {
    texts.set(fleetKey, writeEntry(condenseFleet(update.fleet), writer));
  }
  for (const [name, next] of Object.entries(update.services ?? {})) {
    const known = Object.hasOwn(services, name);
    if (next === null) {
      if (known) texts.set(servicePrefix + name, null);
    } else if (!isDeepStrictEqual(next, known ? services[name] : noServiceMemory)) {
      texts.set(servicePrefix + name, writeEntry(condenseService(next), writer));
    }
  }
  if (update.alerts !== undefined && !isDeepStrictEqual(update.alerts, content.alerts)) {
    texts.set(alertsKey, writeEntry(update.alerts, writer));
  }
  // In place of what is set aside stands what is known instead, so that the next process holds the service as well.
  for (const { key } of content.spoilt) {
    const instead = key.startsWith(servicePrefix) ? services[key.slice(servicePrefix.length)] : undefined;
    if (!texts.has(key)) texts.set(key, instead === undefined ? null : writeEntry(condenseService(instead), writer));
  }
  return texts;
}

/** The content after an update was written, and with it what was set aside. */
export function updated(content: Content, update: MemoryUpdate): Content {
  const services: Record<string, ServiceMemory> = { ...content.memory.services };
  for (const [name, next] of Object.entries(update.services ?? {})) {
    if (next === null) delete services[name];
    else services[name] = next;
  }
  return {
    memory: { fleet: update.fleet ?? content.memory.fleet, services },
    alerts: update.alerts ?? content.alerts,
    spoilt: [],
  };
}

/** One update that does what several do one after the other. */
export function merged(updates: readonly MemoryUpdate[]): MemoryUpdate {
  const services = Object.fromEntries(updates.flatMap((update) => Object.entries(update.services ?? {})));
  return Object.assign({}, ...updates, { services });
}
