import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Action } from "../../src/model/action.ts";
import { isDestructive } from "../../src/model/action.ts";
import type { Instance } from "../../src/model/instance.ts";
import { META } from "../../src/model/labels.ts";
import type { Service } from "../../src/model/service.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import { lostHostsOf } from "../../src/plan/lost-host.ts";
import type { PlanInput, Planned } from "../../src/plan/plan.ts";
import { plan } from "../../src/plan/plan.ts";
import { aDesiredState, aService } from "../builders/service.ts";
import type { World } from "../builders/world.ts";
import { ENVIRONMENT, T0 } from "../builders/world.ts";
import { someWorld } from "./support/arbitrary.ts";

/** More of them find rarer things; these are what a run of all unit tests has time for. */
const runs = { numRuns: Number(process.env["HEAL_PROPERTY_RUNS"] ?? 100) };

interface Case {
  readonly service: Service;
  readonly world: World;
  readonly planned: Planned;
  readonly actions: readonly Action[];
}

/** Any world, and what is planned for it. */
const someCase: fc.Arbitrary<Case> = someWorld.map((world) => {
  const planned = world.plan();
  const service = serviceOf(world);
  return {
    service,
    world,
    planned,
    actions: planned.plan.services["web"]?.waves.flat() ?? [],
    [fc.toStringMethod]: () => JSON.stringify({ ...inputOf(world), plan: planned.plan }),
  };
});

function serviceOf(world: World): Service {
  return world.desired().services["web"] ?? aService("web");
}

function observedOf(world: World) {
  const observed = world.observation().services["web"];
  if (observed === undefined) throw new Error("web was not observed");
  return observed;
}

function property(holds: (one: Case) => void): void {
  fc.assert(fc.property(someCase, holds), runs);
}

function inputOf(world: World): PlanInput {
  return {
    desired: aDesiredState(Object.values(world.desired().services), ENVIRONMENT),
    observed: world.observation(),
    memory: world.memory(),
    tuning: defaultTuning,
    nowMs: T0,
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

const isUp = ({ container, current }: Instance): boolean =>
  current && (container.state === "running" || container.state === "paused" || container.state === "restarting");

describe("the planner, for any observation and memory", () => {
  it("gives a plan, the same one each time, of plain data, and changes nothing that it is given", () => {
    property(({ world }) => {
      const input = deepFreeze(inputOf(world));
      const first = plan(input);
      expect(plan(input)).toEqual(first);
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    });
  });

  it("gives back the very memory it was given where nothing has changed", () => {
    property(({ world, planned, actions }) => {
      fc.pre(actions.length === 0);
      const again = plan({ ...inputOf(world), memory: planned.memory });
      expect(again.memory.services["web"]).toBe(planned.memory.services["web"]);
      expect(again.memory.fleet).toBe(planned.memory.fleet);
    });
  });

  it("does nothing while it is blind: S1", () => {
    property(({ world, actions, planned }) => {
      const { registry, silentHosts } = observedOf(world);
      const service = serviceOf(world);
      const relevant = service.placement.hosts ?? Object.keys(world.observation().hosts);
      const isBlind =
        (registry.kind === "unknown" && service.consul !== null) || relevant.every((host) => host in silentHosts);
      fc.pre(isBlind);
      expect(actions).toEqual([]);
      expect(planned.plan.services["web"]?.standing.status).toBe(3);
    });
  });

  it("does nothing while it is paused", () => {
    property(({ world, actions }) => {
      fc.pre(world.memory().services["web"]?.pause !== null);
      expect(actions).toEqual([]);
    });
  });

  it("takes nothing away, and no place, for what it cannot see: S2", () => {
    property(({ world, actions }) => {
      const observed = observedOf(world);
      const lost = lostHostsOf(serviceOf(world), observed, world.observation().hosts, T0);
      const hidden = observed.instances.filter(({ current }) => !current);
      const ids = new Set(hidden.map(({ container }) => container.id));
      const slots = new Set(
        hidden.filter(({ container }) => !lost.includes(container.host)).map(({ container }) => container.slot),
      );
      for (const action of actions) {
        if ("containerId" in action) expect(ids.has(action.containerId)).toBe(false);
        const isFilling = action.kind === "start-instance" && action.because.rule === "start-missing";
        if (isFilling) expect(slots.has(action.slot)).toBe(false);
        if ("host" in action) expect(Object.keys(observed.silentHosts)).not.toContain(action.host);
      }
    });
  });

  it("fills up to the count and no further: S5", () => {
    property(({ world, service, actions }) => {
      const starts = actions.filter((action) => action.kind === "start-instance");
      const filling = starts.filter(({ because }) => because.rule === "start-missing");
      const replacing = starts.filter(({ because }) => because.rule === "replace-unhealthy");
      expect(replacing.length).toBeLessThanOrEqual(1);
      const { instances } = observedOf(world);
      const taken = new Set(instances.filter(isUp).map(({ container }) => container.slot ?? container.id));
      for (const { slot } of filling) {
        expect(taken.has(slot)).toBe(false);
        expect(slot).toBeLessThanOrEqual(service.count);
        taken.add(slot);
      }
      const serving = instances.filter(isUp).filter(({ registration }) => registration?.status !== "critical");
      const places = new Set([
        ...serving.map(({ container }) => container.slot ?? container.id),
        ...filling.map(({ slot }) => slot),
      ]);
      const stopping = new Set(world.memory().services["web"]?.inFlight.map(({ subject }) => subject));
      const isStopping = serving.some(({ container }) => stopping.has(container.id));
      if (
        filling.length > 0 &&
        service.consul !== null &&
        !isStopping &&
        serving.every((one) => isServing(service, one))
      ) {
        expect(places.size).toBeLessThanOrEqual(service.count);
      }
      for (const { slot } of replacing) {
        expect(instances.filter((one) => isUp(one) && one.container.slot === slot)).toHaveLength(1);
      }
    });
  });

  it("never takes healthy instances below what may be missing: S6", () => {
    property(({ world, service, planned, actions }) => {
      const healthy = planned.plan.services["web"]?.standing.healthy ?? 0;
      const { instances } = observedOf(world);
      const taken = actions.filter((action) => {
        if (action.kind === "scale-swarm-service") return action.to < action.from;
        if (action.kind !== "stop-instance" || action.because.rule === "remove-superseded") return false;
        const instance = instances.find(({ container }) => container.id === action.containerId);
        return instance !== undefined && isServing(service, instance);
      });
      const cost = taken.reduce((sum, one) => sum + (one.kind === "scale-swarm-service" ? one.from - one.to : 1), 0);
      if (cost === 0) return;
      expect(healthy - cost).toBeGreaterThanOrEqual(service.count - service.healing.maxUnavailable);
    });
  });

  it("begins nothing that is still under way: S9", () => {
    property(({ world, planned, actions }) => {
      const entries = world.memory().services["web"]?.inFlight ?? [];
      const kept = new Set(planned.memory.services["web"]?.inFlight);
      const underWay = entries.filter((entry) => kept.has(entry));
      for (const action of actions) {
        if (action.kind === "start-instance") {
          expect(underWay.filter(({ kind, slot }) => kind === "start" && slot === action.slot)).toEqual([]);
        }
        if ("containerId" in action && isDestructive(action)) {
          expect(underWay.filter(({ subject }) => subject === action.containerId)).toEqual([]);
        }
      }
      const subjects = planned.memory.services["web"]?.inFlight.map(({ subject }) => subject) ?? [];
      expect(new Set(subjects).size).toBe(subjects.length);
    });
  });

  it("touches nothing but its own, and deregisters nothing of others: S10, S24", () => {
    property(({ world, actions }) => {
      const { instances } = observedOf(world);
      for (const action of actions) {
        if (!("containerId" in action)) continue;
        const instance = instances.find(({ container }) => container.id === action.containerId);
        expect(instance?.container.service).toBe("web");
        if ("registration" in action && action.registration !== null) {
          expect(instance?.registration?.meta[META.environment]).toBe(ENVIRONMENT);
        }
        if (action.kind === "remove-instance") expect(instance?.container.slot).not.toBeNull();
      }
    });
  });

  it("takes nothing away without a consistent look at both sources", () => {
    property(({ world, actions }) => {
      const { consistency, freshRuntime } = observedOf(world);
      if (!actions.some(isDestructive)) return;
      expect({ consistency, freshRuntime }).toEqual({ consistency: "consistent", freshRuntime: true });
    });
  });

  it("writes down every action that it means to take: S7", () => {
    property(({ planned, actions }) => {
      const inFlight = planned.memory.services["web"]?.inFlight ?? [];
      for (const action of actions) {
        if (action.kind === "start-instance") expect(inFlight.map(({ subject }) => subject)).toContain(action.name);
        if (action.kind === "stop-instance")
          expect(inFlight.map(({ subject }) => subject)).toContain(action.containerId);
      }
    });
  });

  it("does not repeat itself when it is asked again right afterwards", () => {
    property(({ world, planned, actions }) => {
      const again = plan({ ...inputOf(world), memory: planned.memory }).plan.services["web"]?.waves.flat() ?? [];
      const before = new Set(actions.map(key));
      expect(again.map(key).filter((one) => before.has(one))).toEqual([]);
    });
  });

  it("looks again in time for whatever it holds back for a time", () => {
    property(({ planned }) => {
      const service = planned.plan.services["web"];
      for (const { untilMs } of service?.holds ?? []) {
        if (untilMs !== null && untilMs > T0) expect(service?.lookAgainAtMs).toBeLessThanOrEqual(untilMs);
      }
    });
  });
});

function isServing({ consul }: Service, { container, registration, current }: Instance): boolean {
  if (!current || container.state !== "running") return false;
  if (container.health !== "none" && container.health !== "healthy") return false;
  if (registration === null) return consul === null;
  return registration.status === "passing" && registration.nodeStatus === "passing" && !registration.inMaintenance;
}

/** What an action does and to what, whatever its reasons. */
function key({ because: _because, ...what }: Action): string {
  return JSON.stringify(what);
}
