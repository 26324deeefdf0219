import type { Fence } from "../../src/loop/fence.ts";
import type { MemoryUpdate } from "../../src/loop/memory-content.ts";
import type { World } from "../../src/loop/reconcile.ts";
import { known } from "../../src/model/known.ts";
import { META } from "../../src/model/labels.ts";
import type { ServiceMemory, SlotMemory } from "../../src/model/memory.ts";
import type { DesiredState, Service } from "../../src/model/service.ts";
import type { Engine } from "../../src/ports/engine.ts";
import { EngineError } from "../../src/ports/engine.ts";
import type { Registry } from "../../src/ports/registry.ts";
import { redisBugs } from "./bugs-redis.ts";
import type { Sabotage } from "./sabotage.ts";

/**
 * Mistakes that a controller like this one could have. Each is planted from outside, and each must be found: a
 * simulator that has never caught anything proves nothing. `bug-signs.ts` says by what each is recognised.
 */
export const bugs = {
  // What is remembered
  "forgets what is in flight": remembers((memory) => ({ ...memory, inFlight: [] })),
  "forgets back-offs": remembers((memory) => slots(memory, (slot) => ({ ...slot, backOff: null }))),
  "forgets generations": remembers((memory) => slots(memory, (slot) => ({ ...slot, generation: 0, confirmed: true }))),
  "forgets where its instances were": remembers((memory) => ({ ...memory, slots: {} })),
  "begins with an empty Memory after every restart": {
    memory: (store) => ({ ...store, load: async () => {}, view: store.view }),
  },
  "acts although Memory was not written": {
    memory: (store) => ({
      ...store,
      commit: async (fence, update) => {
        await store.commit(fence, update);
        return null;
      },
    }),
  },
  "never writes Memory": { memory: (store) => ({ ...store, commit: async () => null }) },

  // Who may act
  "a fence that always says yes": { world: (world) => ({ ...world, fence: () => lenient(world.fence()) }) },
  "a fence that falls only when somebody says so": {
    leadership: (leadership) => ({
      ...leadership,
      current: () => {
        const fence = leadership.current();
        const kind = leadership.standing().kind;
        return kind === "leader" || kind === "suspended" ? lenient(fence) : fence;
      },
    }),
  },
  "a lease longer than the session": {
    terms: (terms) => ({ ...terms, checkTtlMs: terms.checkTtlMs * 20, lockDelayMs: 60_000 }),
  },
  "no lock-delay": {
    coordination: (port) => ({ ...port, openSession: (options) => port.openSession({ ...options, lockDelayMs: 0 }) }),
  },
  "the wall clock measures time": { clock: (clock) => ({ ...clock, steadyMs: clock.wallMs }) },

  // What is seen
  "an engine that does not answer runs nothing": engines((engine) => ({
    ...engine,
    list: (filter) => engine.list(filter).catch(() => []),
    ping: () => engine.ping().catch(() => ({ id: "?", swarmNodeId: null, swarmManager: false })),
  })),
  "a Consul that does not answer lists nothing": registries((registry) => ({
    ...registry,
    readService: (name, options) => registry.readService(name, options).catch(() => nothingListed),
  })),
  "filtered answers are whole ones": registries((registry) => ({
    ...registry,
    readService: async (name, options) => ({ ...(await registry.readService(name, options)), filtered: false }),
  })),
  "skips the consistent re-read": {
    world: (world) => ({
      ...world,
      eyes: {
        ...world.eyes,
        registry: { ...world.eyes.registry, service: (name) => world.eyes.registry.service(name, "default") },
        hosts: world.eyes.hosts.map((host) => ({ ...host, refreshService: async () => {} })),
      },
    }),
  },
  "one source is enough to call a host lost": {
    world: (world) => ({
      ...world,
      eyes: {
        ...world.eyes,
        registry: {
          ...world.eyes.registry,
          nodes: async () => {
            const nodes = await world.eyes.registry.nodes();
            if (nodes.kind === "unknown") return nodes;
            return known(
              nodes.value.map((node) => ({ ...node, status: "critical" as const })),
              nodes.atMs,
            );
          },
        },
      },
    }),
  },
  "never looks without a hint": { noResync: true },
  "never hears of Consul's changes": { noWatch: true, noResync: true },
  "events alone tell what an engine runs": engines((engine) => {
    let listed = false;
    return {
      ...engine,
      // After the first list nothing is listed any more, as if events could not be missed.
      list: async (filter) => {
        if (listed && filter.service === null) return new Promise(() => {});
        listed = true;
        return engine.list(filter);
      },
    };
  }),

  // What is decided
  "a lost host is replaced at once": wishes((service) => ({
    ...service,
    healing: { ...service.healing, lostAfterMs: 0 },
  })),
  "an unhealthy instance is replaced at once": wishes((service) => ({
    ...service,
    health: service.health === null ? null : { ...service.health, startGraceMs: 0 },
    healing: { ...service.healing, unhealthyAfterMs: 0 },
  })),
  "one more than asked for": wishes((service) => ({ ...service, count: service.count + 1 })),
  "surplus is trimmed unasked": wishes((service) => ({ ...service, surplus: { action: "trim", afterMs: 0 } })),
  "waits for no back-off": {
    world: (world) => ({ ...world, tuning: { ...world.tuning, backOff: { ...world.tuning.backOff, initialMs: 1 } } }),
  },
  "desired state is read once": {
    source: (source) => {
      let first: Promise<unknown> | null = null;
      return { ...source, reload: () => (first ??= source.reload()) as ReturnType<typeof source.reload> };
    },
  },
  "broken files ask for nothing": {
    source: (source) => ({
      ...source,
      current: () => (source.trouble() === null ? source.current() : { ...source.current(), services: {} }),
    }),
  },

  // What is done
  "a start that collides takes another name": engines((engine) => ({
    ...engine,
    start: (creation) =>
      engine.start(creation).catch((error: unknown) => {
        if (!isKind(error, "name-taken")) throw error;
        return engine.start({ ...creation, name: `${creation.name}x` });
      }),
  })),
  "an unclear start is repeated at once": engines((engine) => ({
    ...engine,
    start: (creation) =>
      engine.start(creation).catch((error: unknown) => {
        if (!isKind(error, "unclear")) throw error;
        return engine.start({ ...creation, name: `${creation.name}x` });
      }),
  })),
  "policy is not asked": { tools: (tools) => ({ ...tools, policyBreach: () => null }) },
  "registers as passing what has only started": registries((registry) => ({
    ...registry,
    register: (host, registration) => registry.register(host, { ...registration, initialStatus: "passing" }),
  })),
  "takes foreign registrations for its own": registries((registry) => ({
    ...registry,
    readService: async (name, options) => {
      const answer = await registry.readService(name, options);
      const ours = { [META.environment]: "live", [META.service]: name, [META.container]: "gone" };
      return {
        ...answer,
        value: answer.value.map((one) => (one.meta[META.environment] === undefined ? { ...one, meta: ours } : one)),
      };
    },
  })),
  "takes foreign containers for its own": engines((engine) => ({
    ...engine,
    list: async (filter) => {
      const found = await engine.list({ ...filter, service: null, environment: filter.environment });
      return found.map((one) =>
        one.compose === null ? one : { ...one, compose: null, service: "s1", slot: 99, generation: 1 },
      );
    },
  })),
  "one hanging service holds up all": {
    world: (world) => {
      let last: Promise<unknown> = Promise.resolve();
      return {
        ...world,
        apply: (fence, service, plan) => {
          const mine = last
            .then(() => world.apply(fence, service, plan))
            .then(async (results) => {
              if (results.some(({ kind }) => kind === "failed")) await world.clock.sleep(3_600_000);
              return results;
            });
          last = mine;
          return mine;
        },
      };
    },
  },
  "stops before it starts": {
    world: (world) => ({
      ...world,
      apply: (fence, service, plan) => world.apply(fence, service, { ...plan, waves: [...plan.waves].reverse() }),
    }),
  },
  "never takes a registration back": registries((registry) => ({ ...registry, deregister: async () => {} })),
  "believes that what it stops has stopped": engines((engine) => ({ ...engine, stop: async () => {} })),

  ...redisBugs,
} as const satisfies Readonly<Record<string, Sabotage>>;

export type BugName = keyof typeof bugs;

/** Memory in which each service is changed whenever it is written. */
function remembers(change: (memory: ServiceMemory) => ServiceMemory): Sabotage {
  return {
    memory: (store) => ({
      ...store,
      commit: (fence, update) => store.commit(fence, changed(update, change)),
    }),
  };
}

function changed(update: MemoryUpdate, change: (memory: ServiceMemory) => ServiceMemory): MemoryUpdate {
  const services = Object.entries(update.services ?? {}).map(
    ([name, one]) => [name, one === null ? null : change(one)] as const,
  );
  return { ...update, services: Object.fromEntries(services) };
}

function slots(memory: ServiceMemory, change: (slot: SlotMemory) => SlotMemory): ServiceMemory {
  const entries = Object.entries(memory.slots).map(([number, slot]) => [number, change(slot)] as const);
  return { ...memory, slots: Object.fromEntries(entries) };
}

function engines(change: (engine: Engine) => Engine): Sabotage {
  return {
    tools: (tools) => ({
      ...tools,
      engines: Object.fromEntries(Object.entries(tools.engines).map(([host, engine]) => [host, change(engine)])),
    }),
  };
}

function registries(change: (registry: Registry) => Registry): Sabotage {
  return { tools: (tools) => ({ ...tools, registry: change(tools.registry) }) };
}

/** The desired state with every service a little different. */
function wishes(change: (service: Service) => Service): Sabotage {
  const altered = new WeakMap<DesiredState, DesiredState>();
  const alter = (desired: DesiredState): DesiredState => {
    const before = altered.get(desired);
    if (before !== undefined) return before;
    const entries = Object.entries(desired.services).map(([name, service]) => [name, change(service)] as const);
    const after = { ...desired, services: Object.fromEntries(entries) };
    altered.set(desired, after);
    return after;
  };
  return { world: (world: World) => ({ ...world, desired: () => alter(world.desired()) }) };
}

/** A fence that is never down once it has been up. */
function lenient(fence: Fence): Fence {
  const { lease } = fence;
  if (lease === null) return fence;
  return { lease, mayAct: () => true, assertMayAct: () => `${lease.sessionId}@${lease.lockIndex}` };
}

function isKind(error: unknown, kind: EngineError["kind"]): boolean {
  return error instanceof EngineError && error.kind === kind;
}

const nothingListed = { value: [], index: 1, knownLeader: true, lastContactMs: 0, filtered: false };
