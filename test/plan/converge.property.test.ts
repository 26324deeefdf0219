import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Instance } from "../../src/model/instance.ts";
import { noServiceMemory, noSlotMemory } from "../../src/model/memory.ts";
import type { Service } from "../../src/model/service.ts";
import { aService } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import { anInstance, T0 } from "../builders/world.ts";
import { someFacts, someService } from "./support/arbitrary.ts";
import type { ModelWorld } from "./support/model-world.ts";
import { aModelWorld, pass } from "./support/model-world.ts";

const runs = { numRuns: Number(process.env["HEAL_PROPERTY_RUNS"] ?? 60) };
const HOUR_MS = 3_600_000;
const RESYNC_MS = 300_000;

/** Any mess on three hosts that can be mended: nobody is in maintenance, and the hosts have room. */
const someMess: fc.Arbitrary<ModelWorld> = fc
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
    const world = aModelWorld(service, T0);
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
    return { ...world, [fc.toStringMethod]: () => JSON.stringify(world) };
  });

function isServing({ consul }: Service, { container, registration }: Instance): boolean {
  const isWell = container.state === "running" && (container.health === "none" || container.health === "healthy");
  const isJudged = consul !== null || registration !== null;
  return isWell && (!isJudged || (registration?.status === "passing" && registration.nodeStatus === "passing"));
}

describe("a plan that is carried out perfectly, again and again", () => {
  it("brings any mess to what is asked for within the hour, and then does nothing more: L1, L7", () => {
    fc.assert(
      fc.property(someMess, (mess) => {
        const world: ModelWorld = { ...mess, done: [] };
        for (let passes = 0; world.nowMs < T0 + 2 * HOUR_MS; passes += 1) {
          expect(passes).toBeLessThan(400);
          const { actions, lookAgainAtMs } = pass(world);
          const next = actions.length > 0 ? world.nowMs + 1_000 : (lookAgainAtMs ?? Number.POSITIVE_INFINITY);
          world.nowMs = Math.min(world.nowMs + RESYNC_MS, next);
        }
        const { service } = world;
        const serving = world.instances.filter((one) => isServing(service, one));
        const slots = new Set(serving.map(({ container }) => container.slot ?? container.id));
        expect(slots.size).toBeGreaterThanOrEqual(service.count);
        expect(world.done.at(-1)?.atMs ?? T0).toBeLessThanOrEqual(T0 + HOUR_MS);
      }),
      runs,
    );
  });

  it("never starts a name twice, and never starts more than it needs", () => {
    fc.assert(
      fc.property(someMess, (mess) => {
        const world: ModelWorld = { ...mess, done: [] };
        for (let passes = 0; passes < 60; passes += 1) {
          pass(world);
          world.nowMs += 1_000;
        }
        const names = world.done.flatMap(({ action }) => (action.kind === "start-instance" ? [action.name] : []));
        expect(new Set(names).size).toBe(names.length);
        // Each slot once for being empty, and once for what stood in it unhealthily.
        expect(names.length).toBeLessThanOrEqual(2 * world.service.count);
      }),
      runs,
    );
  });
});
