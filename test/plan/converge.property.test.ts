import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Instance } from "../../src/model/instance.ts";
import { noFleetMemory, noServiceMemory, noSlotMemory } from "../../src/model/memory.ts";
import type { Service } from "../../src/model/service.ts";
import { aService } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import { anInstance, T0 } from "../builders/world.ts";
import { someFacts, someService } from "./support/arbitrary.ts";
import type { ModelWorld } from "./support/model-world.ts";
import { nextPassAtMs, pass } from "./support/model-world.ts";

const runs = { numRuns: Number(process.env["HEAL_PROPERTY_RUNS"] ?? 60) };
const HOUR_MS = 3_600_000;

interface Case {
  readonly service: Service;
  readonly world: ModelWorld;
}

/** Any mess on three hosts that can be mended: nobody is in maintenance, and the hosts have room. */
const someMess: fc.Arbitrary<Case> = fc
  .record({
    service: someService,
    slots: fc.array(fc.tuple(fc.option(fc.integer({ min: 1, max: 5 }), { nil: null, freq: 6 }), someFacts), {
      maxLength: 6,
    }),
    generation: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ service: changes, slots, generation }) => {
    const hasRoom = changes.container?.ports.every(({ host }) => host === null) === true;
    const service = aService("web", {
      ...changes,
      container: hasRoom ? (changes.container ?? null) : aTemplate("web:1"),
      placement: { hosts: null, maxPerHost: null },
    });
    const world: ModelWorld = { nowMs: T0, memory: { fleet: noFleetMemory, services: {} }, instances: [], done: [] };
    const ids = new Set<string>();
    for (const [slot, facts] of slots) {
      const consul = facts.consul === "maintenance" ? "critical" : facts.consul;
      const one = anInstance(service, slot, T0, {
        ...facts,
        ...(consul === undefined ? {} : { consul }),
        ...(slot === null ? { generation: null } : {}),
      });
      if (ids.has(one.container.id)) continue;
      ids.add(one.container.id);
      world.instances.push(one);
    }
    if (generation > 0) {
      const slot = { ...noSlotMemory, generation, host: "h1", specHash: service.specHash };
      world.memory = { ...world.memory, services: { web: { ...noServiceMemory, status: 0, slots: { 1: slot } } } };
    }
    return { service, world, [fc.toStringMethod]: () => JSON.stringify({ service, world }) };
  });

function isServing({ consul }: Service, { container, registration }: Instance): boolean {
  const isWell = container.state === "running" && (container.health === "none" || container.health === "healthy");
  const isJudged = consul !== null || registration !== null;
  return isWell && (!isJudged || (registration?.status === "passing" && registration.nodeStatus === "passing"));
}

describe("a plan that is carried out perfectly, again and again", () => {
  it("brings any mess to what is asked for within the hour, and then does nothing more: L1, L7", () => {
    fc.assert(
      fc.property(someMess, ({ service, world: mess }) => {
        const world: ModelWorld = { ...mess, done: [] };
        let quiet = 0;
        for (let passes = 0; quiet < 5; passes += 1) {
          expect(passes).toBeLessThan(400);
          const actions = pass(world, service);
          const next = nextPassAtMs(world, service);
          quiet = actions.length === 0 && world.nowMs > T0 + HOUR_MS ? quiet + 1 : 0;
          world.nowMs = actions.length > 0 ? world.nowMs + 1_000 : next;
        }
        const serving = world.instances.filter((one) => isServing(service, one));
        const slots = new Set(serving.map(({ container }) => container.slot ?? container.id));
        expect(slots.size).toBeGreaterThanOrEqual(service.count);
        const last = world.done.at(-1)?.atMs ?? T0;
        expect(last).toBeLessThanOrEqual(T0 + HOUR_MS);
      }),
      runs,
    );
  });

  it("never starts a name twice, and never starts more than it needs", () => {
    fc.assert(
      fc.property(someMess, ({ service, world: mess }) => {
        const world: ModelWorld = { ...mess, done: [] };
        for (let passes = 0; passes < 60; passes += 1) {
          pass(world, service);
          world.nowMs += 1_000;
        }
        const names = world.done.flatMap(({ action }) => (action.kind === "start-instance" ? [action.name] : []));
        expect(new Set(names).size).toBe(names.length);
        // Each slot once for being empty, and once for what stood in it unhealthily.
        expect(names.length).toBeLessThanOrEqual(2 * service.count);
      }),
      runs,
    );
  });
});
