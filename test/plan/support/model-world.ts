import type { Action, ActionResult } from "../../../src/model/action.ts";
import { assertNever } from "../../../src/model/assert-never.ts";
import { isRedisAction } from "../../../src/model/action.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { META } from "../../../src/model/labels.ts";
import type { Memory } from "../../../src/model/memory.ts";
import { noFleetMemory, noServiceMemory } from "../../../src/model/memory.ts";
import type { ServiceObservation } from "../../../src/model/observation.ts";
import type { DesiredState, Service } from "../../../src/model/service.ts";
import { defaultTuning } from "../../../src/model/tuning.ts";
import { learn } from "../../../src/plan/learn.ts";
import type { Planned } from "../../../src/plan/plan.ts";
import { plan } from "../../../src/plan/plan.ts";
import { aDesiredState } from "../../builders/service.ts";
import { aHost, anInstance, ENVIRONMENT } from "../../builders/world.ts";

/** A world in which everything that is ordered happens at once: what is decided in it is the planner's own doing. */
export interface ModelWorld {
  readonly service: Service;
  readonly desired: DesiredState;
  nowMs: number;
  memory: Memory;
  instances: Instance[];
  /** Every action that was carried out, in order. */
  readonly done: Done[];
}

export interface Done {
  readonly atMs: number;
  readonly action: Action;
}

export function aModelWorld(service: Service, nowMs: number): ModelWorld {
  const desired = aDesiredState([service], ENVIRONMENT);
  return { service, desired, nowMs, memory: { fleet: noFleetMemory, services: {} }, instances: [], done: [] };
}

const hosts = ["h1", "h2", "h3"];
const LOOKS_MAX = 4;

export interface Passed {
  readonly actions: readonly Action[];
  /** When the planner wants to look again; null: not without a reason. */
  readonly lookAgainAtMs: number | null;
}

/** One pass over the only service, as `reconcile` makes it. */
export function pass(world: ModelWorld): Passed {
  const { service } = world;
  let planned = think(world, null);
  for (let looks = 1; looks <= LOOKS_MAX && planned.plan.services[service.name]?.needsLook != null; looks += 1) {
    planned = think(world, looks);
  }
  world.memory = planned.memory;
  const servicePlan = planned.plan.services[service.name];
  const actions = servicePlan?.waves.flat() ?? [];
  const results = actions.map((action): ActionResult => {
    carryOut(world, action);
    world.done.push({ atMs: world.nowMs, action });
    return { kind: "done", action, tookMs: 0, note: null };
  });
  const before = world.memory.services[service.name] ?? noServiceMemory;
  const after = learn(before, results, defaultTuning, world.nowMs);
  world.memory = { ...world.memory, services: { ...world.memory.services, [service.name]: after } };
  return { actions, lookAgainAtMs: servicePlan?.lookAgainAtMs ?? null };
}

function think(world: ModelWorld, looks: number | null): Planned {
  const { service, desired } = world;
  return plan({
    desired,
    observed: {
      atMs: world.nowMs,
      hosts: Object.fromEntries(hosts.map((host) => [host, aHost(host, world.nowMs)])),
      services: { [service.name]: seen(world, looks) },
      fleet: { instances: 100, runningButCritical: 0, servicesCritical: 0 },
    },
    memory: world.memory,
    tuning: defaultTuning,
    nowMs: world.nowMs,
  });
}

function seen(world: ModelWorld, looks: number | null): ServiceObservation {
  const { service } = world;
  return {
    service: service.name,
    binding: { kind: "known", value: { kind: "engine" }, atMs: world.nowMs },
    instances: world.instances,
    silentHosts: {},
    registry: { kind: "known", value: { ghosts: [], foreign: [], index: 1 }, atMs: world.nowMs },
    consistency: looks === null ? "default" : "consistent",
    freshRuntime: looks !== null,
    agreeingReads: looks ?? 0,
    registrationsBefore: world.memory.services[service.name]?.registrations ?? null,
  };
}

function carryOut(world: ModelWorld, action: Action): void {
  const { service } = world;
  if (isRedisAction(action)) return;
  switch (action.kind) {
    case "start-instance": {
      const facts = { on: action.host, generation: action.generation, forMs: 0 };
      const fresh = anInstance(service, action.slot, world.nowMs, facts);
      // The newer of two on one host takes over the registration of the slot.
      const others = world.instances
        .filter(({ container }) => container.id !== fresh.container.id)
        .map((one) => (sharesRegistration(one, fresh) ? { ...one, registration: null } : one));
      world.instances = [...others, fresh];
      return;
    }
    case "stop-instance":
    case "remove-instance":
      world.instances = world.instances.filter(({ container }) => container.id !== action.containerId);
      return;
    case "register-instance":
      world.instances = world.instances.map((one) =>
        one.container.id === action.containerId
          ? { ...one, registration: anInstance(service, one.container.slot, world.nowMs, factsOf(one)).registration }
          : one,
      );
      return;
    case "deregister-instance":
      world.instances = world.instances.map((one) =>
        one.registration?.id === action.registrationId && one.registration.node === action.node
          ? { ...one, registration: null }
          : one,
      );
      return;
    case "create-swarm-service":
    case "scale-swarm-service":
    case "replace-swarm-task":
    case "scale-compose-service":
      throw new Error(`${action.kind} has no place in this world`);
    default:
      assertNever(action);
  }
}

function sharesRegistration({ container, registration }: Instance, fresh: Instance): boolean {
  const isOurs = registration?.meta[META.environment] === ENVIRONMENT;
  return isOurs && container.slot === fresh.container.slot && container.host === fresh.container.host;
}

function factsOf({ container }: Instance) {
  return { on: container.host, generation: container.generation, specHash: container.specHash };
}
