import type { Fence } from "../../src/loop/fence.ts";
import type { MemoryUpdate } from "../../src/loop/memory-content.ts";
import type { World } from "../../src/loop/reconcile.ts";
import { known } from "../../src/model/known.ts";
import type { Container } from "../../src/model/instance.ts";
import { META } from "../../src/model/labels.ts";
import type { ServiceMemory, SlotMemory } from "../../src/model/memory.ts";
import type { DesiredState, Service } from "../../src/model/service.ts";
import type { Engine } from "../../src/ports/engine.ts";
import { EngineError } from "../../src/ports/engine.ts";
import type { Answer, Registry } from "../../src/ports/registry.ts";
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
  // Not to load it is not enough: what is written is compared with what was there, and then it is loaded after all.
  "begins with an empty Memory after every restart": {
    coordination: (port) => ({
      ...port,
      loadMemory: async (prefix = "memory/") => (prefix === "memory/" ? [] : port.loadMemory(prefix)),
      commit: async (lease, writes) => {
        const there = new Map((await port.loadMemory("")).map(({ key, modifyIndex }) => [key, modifyIndex]));
        return port.commit(
          lease,
          writes.map((write) => ({ ...write, modifyIndex: there.get(write.key) ?? 0 })),
        );
      },
    }),
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
  // The session is opened with the terms as they are: a margin below zero makes the lease alone longer.
  "a lease longer than the session": { terms: (terms) => ({ ...terms, marginMs: -20 * terms.checkTtlMs }) },
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
  // Planted behind the watch, which would notice the same by itself.
  "a Consul that does not answer lists nothing": {
    world: (world) => ({
      ...world,
      eyes: {
        ...world.eyes,
        registry: {
          ...world.eyes.registry,
          service: async (name, consistency) => {
            const answer = await world.eyes.registry.service(name, consistency);
            return answer.kind === "known" ? answer : known({ registrations: [], index: 1 }, world.clock.steadyMs());
          },
        },
      },
    }),
  },
  "filtered answers are whole ones": registries((registry) => {
    const whole = <T>(answer: Answer<T>): Answer<T> => ({ ...answer, filtered: false });
    return {
      ...registry,
      readService: async (name, options) => whole(await registry.readService(name, options)),
      readNodes: async (options) => whole(await registry.readNodes(options)),
      readNotPassing: async (state, options) => whole(await registry.readNotPassing(state, options)),
      readServiceNames: async (options) => whole(await registry.readServiceNames(options)),
      readNodeServices: async (node, options) => whole(await registry.readNodeServices(node, options)),
    };
  }),
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
      current: () => (source.trouble() === null ? source.current() : asksForNothing(source.current())),
    }),
  },

  // What is done
  // To take another name then breaks nothing: before a start is repeated, what came of it is looked at.
  "a start that collides takes away what is in its place": engines((engine) => ({
    ...engine,
    start: (creation) =>
      engine.start(creation).catch(async (error: unknown) => {
        if (!isKind(error, "name-taken")) throw error;
        const holder = await engine.inspect(creation.name);
        if (holder !== null) await engine.remove(holder.id);
        return engine.start(creation);
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
  // A pass that starts something stops nothing, so that the order within a pass is no mistake to make.
  "stops another one than it meant": engines((engine) => {
    let seen: readonly Container[] = [];
    return {
      ...engine,
      list: async (filter) => {
        const found = await engine.list(filter);
        if (filter.service === null) seen = found;
        return found;
      },
      stop: (id, graceMs) => {
        const meant = seen.find((one) => one.id === id);
        const other = seen.find((one) => one.id !== id && one.service === meant?.service && one.state === "running");
        return engine.stop(other?.id ?? id, graceMs);
      },
    };
  }),
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

function asksForNothing(desired: DesiredState): DesiredState {
  const entries = Object.entries(desired.services).map(([name, service]) => [name, { ...service, count: 0 }] as const);
  return { ...desired, services: Object.fromEntries(entries) };
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
