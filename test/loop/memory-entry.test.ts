import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { condenseFleet, condenseService, readEntry, writeEntry } from "../../src/loop/memory-entry.ts";
import { readFleetMemory, readServiceMemory, Unreadable } from "../../src/loop/memory-shape.ts";
import type { FleetMemory, ServiceMemory, SlotMemory } from "../../src/model/memory.ts";
import { noFleetMemory, noServiceMemory } from "../../src/model/memory.ts";
import { property } from "../support/property.ts";

const time = fc.integer({ min: 0, max: 1e7 });
const name = fc.string({ maxLength: 12 });
const backOff = fc.record({ delayMs: time, untilMs: time, because: name });
const slot: fc.Arbitrary<SlotMemory> = fc.record({
  generation: fc.nat(),
  confirmed: fc.boolean(),
  host: fc.option(name),
  olderHost: fc.option(name),
  specHash: fc.option(name),
  backOff: fc.option(backOff),
  failuresAtMs: fc.array(time, { maxLength: 5 }),
  failedHosts: fc.array(name, { maxLength: 3 }),
  healthySinceMs: fc.option(time),
  quarantinedAtMs: fc.option(time),
});
const service: fc.Arbitrary<ServiceMemory> = fc.record({
  version: fc.constant(1 as const),
  slots: fc.dictionary(fc.nat({ max: 20 }).map(String), slot, { maxKeys: 4 }) as fc.Arbitrary<
    Record<number, SlotMemory>
  >,
  inFlight: fc.array(
    fc.record({
      kind: fc.constantFrom("start" as const, "stop" as const, "scale" as const),
      slot: fc.option(fc.nat()),
      generation: fc.option(fc.nat()),
      host: fc.option(name),
      subject: name,
      sinceMs: time,
      expiresAtMs: time,
    }),
    { maxLength: 3 },
  ),
  status: fc.option(fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const)),
  statusSinceMs: time,
  surplusSinceMs: fc.option(time),
  notPassingSinceMs: fc.dictionary(name, time, { maxKeys: 3 }),
  registrations: fc.nat(),
  pause: fc.constant(null),
  backOff: fc.option(backOff),
  binding: fc.constant(null),
  redis: fc.jsonValue(),
});
const fleet: fc.Arbitrary<FleetMemory> = fc.record({
  version: fc.constant(1 as const),
  stopsAtMs: fc.array(time),
  frozenSinceMs: fc.option(time),
  lostHosts: fc.dictionary(name, time),
});

const at = (by: string, nowMs: number) => ({ by, nowMs, nowWallMs: nowMs });
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("an entry of Memory", () => {
  property([service, fleet])("comes back as it was written, to who wrote it", (memory, all) => {
    const text = writeEntry(condenseService(memory), at("me", 5));
    expect(readEntry(text, at("me", 1e9), readServiceMemory)).toEqual(json(memory));
    const fleetText = writeEntry(condenseFleet(all), at("me", 5));
    expect(readEntry(fleetText, at("me", 1e9), readFleetMemory)).toEqual(all);
  });

  property([service, fc.integer({ min: 0, max: 1e7 }), fc.integer({ min: -1e12, max: 1e12 })])(
    "never has a back-off or a stop in flight end earlier when it is read again, and a start at once",
    (memory, writtenAtMs, nowMs) => {
      const text = writeEntry(condenseService(memory), at("writer", writtenAtMs));
      const read = readEntry(text, at("reader", nowMs), readServiceMemory);
      const left = (untilMs: number | undefined, fromMs: number) => (untilMs ?? 0) - fromMs;
      if (memory.backOff !== null) {
        expect(left(read.backOff?.untilMs, nowMs)).toBe(left(memory.backOff.untilMs, writtenAtMs));
      }
      memory.inFlight.forEach((one, position) => {
        const leftMs = left(one.expiresAtMs, writtenAtMs);
        const expected = one.kind === "stop" ? leftMs : Math.min(0, leftMs);
        expect(left(read.inFlight[position]?.expiresAtMs, nowMs)).toBe(expected);
      });
    },
  );

  property([fc.string()])("is unreadable, never half-read, when it is any text at all", (text) => {
    expect(() => readEntry(text, at("me", 0), readServiceMemory)).toThrow(Unreadable);
  });

  property([fc.jsonValue()])("is read whole or found unreadable when its value is any JSON at all", (value) => {
    const text = JSON.stringify({ version: 1, by: "x", atMs: 0, value });
    try {
      const read = readEntry(text, at("me", 0), readServiceMemory);
      expect(Object.keys(read).toSorted()).toEqual(Object.keys(noServiceMemory).toSorted());
    } catch (error) {
      expect(error).toBeInstanceOf(Unreadable);
    }
  });

  it("names the place of what is wrong", () => {
    const read = (value: unknown) => () =>
      readEntry(JSON.stringify({ version: 1, by: "x", atMs: 0, value }), at("me", 0), readServiceMemory);
    expect(read({ slots: { 3: { failuresAtMs: [1, "2"] } } })).toThrow(
      "memory.slots.3.failuresAtMs[1] should be a number",
    );
    expect(read({ inFlight: [{ kind: "restart" }] })).toThrow(
      "memory.inFlight[0].kind should be one of start, stop, scale",
    );
    expect(read({ status: 4 })).toThrow("memory.status should be one of 0, 1, 2, 3");
  });

  it("of an older version goes through every step up to this one", () => {
    const text = JSON.stringify({ version: 1, by: "x", atMs: 0, value: { hosts: 1 } });
    const steps = [
      (older: unknown) => ({ ...(older as object), first: true }),
      (older: unknown) => ({ ...(older as object), second: true }),
    ];
    expect(readEntry(text, at("me", 0), (value) => value, steps)).toEqual({ hosts: 1, first: true, second: true });
    const newer = JSON.stringify({ version: 2, by: "x", atMs: 0, value: { hosts: 1 } });
    expect(readEntry(newer, at("me", 0), (value) => value, steps)).toEqual({ hosts: 1, second: true });
  });

  it("leaves out what is as by default", () => {
    expect(condenseService(noServiceMemory)).toEqual({});
    expect(condenseFleet(noFleetMemory)).toEqual({});
  });
});
