import { isDeepStrictEqual } from "node:util";
import type { FleetMemory, ServiceMemory, SlotMemory } from "../model/memory.ts";
import { MEMORY_VERSION, noFleetMemory, noServiceMemory, noSlotMemory } from "../model/memory.ts";
import { Unreadable, type Translation } from "./memory-shape.ts";

/** What stands in one key: the value, by whom and when (on his steady clock) it was written, and in which version. */
interface Entry {
  readonly version: number;
  readonly by: string;
  readonly atMs: number;
  readonly value: unknown;
}

export interface Writer {
  /** Tells this process from all others, earlier ones on the same machine included. */
  readonly by: string;
  readonly nowMs: number;
  readonly nowWallMs: number;
}

/** From each version to the next, the first from 1 to 2: a newer `heal` reads what an older one wrote. */
export type Migrations = readonly ((older: unknown) => unknown)[];

const migrations: Migrations = [];

const textMax = 300;
const failuresMax = 100;
const hostsMax = 100;
const stopsMax = 1_000;
const instancesMax = 1_000;

export function writeEntry(value: unknown, writer: Writer): string {
  const entry: Entry = { version: MEMORY_VERSION, by: writer.by, atMs: writer.nowMs, value };
  return JSON.stringify(entry);
}

/** The value with its times on the reader's clock. Throws `Unreadable`, also for what a newer `heal` wrote. */
export function readEntry<T>(
  text: string,
  reader: Writer,
  read: (value: unknown, times: Translation) => T,
  steps: Migrations = migrations,
): T {
  const entry = parse(text);
  const newest = steps.length + 1;
  if (entry.version > newest) {
    throw new Unreadable(`it was written by a newer heal (version ${entry.version}; this one reads up to ${newest})`);
  }
  const value = steps.slice(entry.version - 1).reduce((older, step) => step(older), entry.value);
  const writtenAtMs = entry.by === reader.by ? reader.nowMs : entry.atMs;
  return read(value, { writtenAtMs, nowMs: reader.nowMs, nowWallMs: reader.nowWallMs });
}

function parse(text: string): Entry {
  let entry: Partial<Entry> | null;
  try {
    entry = JSON.parse(text) as Partial<Entry> | null;
  } catch (error) {
    throw new Unreadable(`it is not JSON: ${(error as Error).message.slice(0, 100)}`, { cause: error });
  }
  const { version, by, atMs, value } = entry ?? {};
  if (!Number.isInteger(version) || typeof by !== "string" || !Number.isFinite(atMs) || (version as number) < 1) {
    throw new Unreadable("it does not say by whom, when and in which version it was written");
  }
  return { version, by, atMs, value } as Entry;
}

/** What is worth keeping of a service, within bounds: what is as by default is left out, so that most slots are short. */
export function condenseService(memory: ServiceMemory): object {
  const slots = Object.entries(memory.slots).map(([number, slot]) => [number, condenseSlot(slot)] as const);
  return withoutDefaults(
    {
      ...memory,
      slots: Object.fromEntries(slots),
      notPassingSinceMs: Object.fromEntries(Object.entries(memory.notPassingSinceMs).slice(-instancesMax)),
      backOff: shortened(memory.backOff, "because"),
      pause: shortened(memory.pause, "why"),
    },
    noServiceMemory,
  );
}

export function condenseFleet(memory: FleetMemory): object {
  return withoutDefaults({ ...memory, stopsAtMs: memory.stopsAtMs.slice(-stopsMax) }, noFleetMemory);
}

function condenseSlot(slot: SlotMemory): object {
  return withoutDefaults(
    {
      ...slot,
      backOff: shortened(slot.backOff, "because"),
      failuresAtMs: slot.failuresAtMs.slice(-failuresMax),
      failedHosts: slot.failedHosts.slice(-hostsMax),
    },
    noSlotMemory,
  );
}

function shortened<K extends string, T extends Readonly<Record<K, string>>>(value: T | null, key: K): T | null {
  return value === null || value[key].length <= textMax ? value : { ...value, [key]: value[key].slice(0, textMax) };
}

function withoutDefaults<T extends object>(value: T, defaults: T): object {
  const kept = Object.entries(value).filter(([key, field]) => !isDeepStrictEqual(field, defaults[key as keyof T]));
  return Object.fromEntries(kept);
}
