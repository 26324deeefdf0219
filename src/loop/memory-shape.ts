import type { BackOff, FleetMemory, InFlight, Pause, ServiceMemory, SlotMemory } from "../model/memory.ts";
import { MEMORY_VERSION, noFleetMemory, noServiceMemory, noSlotMemory } from "../model/memory.ts";
import type { Binding } from "../model/observation.ts";

/** An entry of Memory that cannot be relied on; the message says where and why. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/**
 * Whose clock the times of an entry are on. Times are moved so that the moment of writing becomes `nowMs`: what had
 * passed by then has passed, and what was left is left in full. The writer's clock is compared with nothing but itself.
 */
export interface Translation {
  readonly writtenAtMs: number;
  readonly nowMs: number;
  /** Only for what a person asked for by the time of day. */
  readonly nowWallMs: number;
}

/** Reads one value of an entry, with its times on this process's clock; throws `Unreadable`. */
type Reader<T> = (value: unknown, where: string, times: Translation) => T;

export function readServiceMemory(value: unknown, times: Translation): ServiceMemory {
  return serviceMemory(value, "memory", times);
}

export function readFleetMemory(value: unknown, times: Translation): FleetMemory {
  return fleetMemory(value, "memory", times);
}

const finite: Reader<number> = (value, where) => {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new Unreadable(`${where} should be a number`);
};
const time: Reader<number> = (value, where, times) => finite(value, where, times) - times.writtenAtMs + times.nowMs;
const text: Reader<string> = (value, where) => {
  if (typeof value === "string") return value;
  throw new Unreadable(`${where} should be a text`);
};
const yesOrNo: Reader<boolean> = (value, where) => {
  if (typeof value === "boolean") return value;
  throw new Unreadable(`${where} should be true or false`);
};
const anything: Reader<unknown> = (value) => value;

function oneOf<const T>(...allowed: readonly T[]): Reader<T> {
  return (value, where) => {
    if (allowed.includes(value as T)) return value as T;
    throw new Unreadable(`${where} should be one of ${allowed.join(", ")}`);
  };
}
function orNull<T>(reader: Reader<T>): Reader<T | null> {
  return (value, where, times) => (value === null ? null : reader(value, where, times));
}
function listOf<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (value, where, times) => {
    if (!Array.isArray(value)) throw new Unreadable(`${where} should be a list`);
    return value.map((entry: unknown, position) => reader(entry, `${where}[${position}]`, times));
  };
}
function mapOf<T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, where, times) => {
    const entries = Object.entries(object(value, where));
    return Object.fromEntries(entries.map(([key, entry]) => [key, reader(entry, `${where}.${key}`, times)]));
  };
}
/** Every field of the type has its reader, or this does not compile. What is left out in the text is as in `otherwise`. */
function record<T>(readers: { readonly [K in keyof T]-?: Reader<T[K]> }, otherwise: Partial<T> = {}): Reader<T> {
  return (value, where, times) => {
    const fields = object(value, where);
    const read = (key: keyof T & string): unknown =>
      !Object.hasOwn(fields, key) && Object.hasOwn(otherwise, key)
        ? otherwise[key]
        : readers[key](fields[key], `${where}.${key}`, times);
    return Object.fromEntries(Object.keys(readers).map((key) => [key, read(key as keyof T & string)])) as T;
  };
}
function object(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Unreadable(`${where} should be an object`);
}

const backOff = record<BackOff>({ delayMs: finite, untilMs: time, because: text });

const slot = record<SlotMemory>(
  {
    generation: finite,
    confirmed: yesOrNo,
    host: orNull(text),
    olderHost: orNull(text),
    specHash: orNull(text),
    backOff: orNull(backOff),
    failuresAtMs: listOf(time),
    failedHosts: listOf(text),
    healthySinceMs: orNull(time),
    quarantinedAtMs: orNull(time),
  },
  noSlotMemory,
);

/**
 * Memory is read when leadership begins. A start that was on its way before may still arrive, whoever sent it, or was
 * skipped and that could not be written down. Waiting would not tell; so its time is over, and a fresh look settles what
 * became of it. Made twice, it collides with its own name, and a scale says a number, not a difference; a stop made
 * twice could take another victim, and is left its time. See docs/decisions/late-calls.md.
 */
const inFlight: Reader<InFlight> = (value, where, times) => {
  const read = inFlightAsWritten(value, where, times);
  if (read.kind !== "start" && read.kind !== "scale") return read;
  return { ...read, expiresAtMs: Math.min(read.expiresAtMs, times.nowMs) };
};

const inFlightAsWritten = record<InFlight>({
  kind: oneOf("start", "stop", "scale", "register"),
  slot: orNull(finite),
  generation: orNull(finite),
  host: orNull(text),
  subject: text,
  sinceMs: time,
  expiresAtMs: time,
});

/**
 * `heal pause --for 1h` means an hour by the clock on the wall, and should not begin anew with every leader. A steady
 * clock starts near the wall clock, so that is what the end is held against; it never gets longer than was asked for.
 */
const pause: Reader<Pause> = (value, where, times) => {
  const read = record<Pause>({ sinceMs: finite, untilMs: orNull(finite), why: text })(value, where, times);
  if (times.writtenAtMs === times.nowMs) return read;
  const sinceMs = time(read.sinceMs, where, times);
  if (read.untilMs === null) return { ...read, sinceMs };
  const leftMs = Math.min(Math.max(0, read.untilMs - times.nowWallMs), read.untilMs - read.sinceMs);
  return { ...read, sinceMs, untilMs: times.nowMs + leftMs };
};

type Bound<K extends Binding["kind"]> = Extract<Binding, { kind: K }>;
const bindings: { readonly [K in Binding["kind"]]: Reader<Bound<K>> } = {
  engine: record<Bound<"engine">>({ kind: oneOf("engine") }),
  swarm: record<Bound<"swarm">>({
    kind: oneOf("swarm"),
    id: text,
    name: text,
    version: finite,
    replicas: finite,
    mode: oneOf("replicated", "global"),
    updating: yesOrNo,
    specHash: orNull(text),
  }),
  compose: record<Bound<"compose">>({
    kind: oneOf("compose"),
    host: text,
    project: text,
    composeService: text,
    configFiles: listOf(text),
    workingDirectory: text,
    unscalable: orNull(text),
  }),
  none: record<Bound<"none">>({ kind: oneOf("none"), reason: text }),
};
const binding: Reader<Binding> = (value, where, times) => {
  const kind = oneOf("engine", "swarm", "compose", "none")(object(value, where)["kind"], `${where}.kind`, times);
  return bindings[kind](value, where, times);
};

const serviceMemory = record<ServiceMemory>(
  {
    version: oneOf(MEMORY_VERSION),
    slots: mapOf(slot),
    inFlight: listOf(inFlight),
    status: orNull(oneOf(0, 1, 2, 3)),
    statusSinceMs: time,
    surplusSinceMs: orNull(time),
    notPassingSinceMs: mapOf(time),
    registrations: orNull(finite),
    pause: orNull(pause),
    backOff: orNull(backOff),
    binding: orNull(binding),
    redis: anything,
  },
  noServiceMemory,
);

const fleetMemory = record<FleetMemory>(
  {
    version: oneOf(MEMORY_VERSION),
    stopsAtMs: listOf(time),
    frozenSinceMs: orNull(time),
    lostHosts: mapOf(time),
  },
  noFleetMemory,
);
