import * as fc from "fast-check";
import { unknown } from "../../../src/model/known.ts";
import type { InFlight, SlotMemory } from "../../../src/model/memory.ts";
import type { Binding } from "../../../src/model/observation.ts";
import type { Service } from "../../../src/model/service.ts";
import { aTemplate } from "../../builders/template.ts";
import type { InstanceFacts, World } from "../../builders/world.ts";
import { aWorld, T0 } from "../../builders/world.ts";

const hosts = ["h1", "h2", "h3"] as const;
const agoMs = fc.constantFrom(0, 500, 5_000, 29_000, 31_000, 61_000, 700_000);
const slotNumber = fc.option(fc.integer({ min: 1, max: 5 }), { nil: null, freq: 6 });

/** A service as heal itself runs it, with everything that shapes what is decided about it. */
export const someService: fc.Arbitrary<Partial<Service>> = fc.record({
  count: fc.integer({ min: 0, max: 4 }),
  consul: fc.constantFrom({ name: "web", tags: [], meta: {}, tagOverride: false }, null),
  container: fc.constantFrom(
    aTemplate("web:1"),
    aTemplate("web:1", { ports: [{ container: 8080, host: 8080, hostIp: null, protocol: "tcp" }] }),
    aTemplate("web:1", { volumes: ["data-{slot}:/data"] }),
  ),
  healing: fc.record({
    unhealthyAfterMs: fc.constantFrom(10_000, 30_000),
    maxUnavailable: fc.constantFrom(0, 0, 1),
    lostAfterMs: fc.constantFrom(10_000, 30_000),
  }),
  surplus: fc.record({ action: fc.constantFrom("alert", "trim"), afterMs: fc.constantFrom(0, 60_000) }),
  placement: fc.record({
    hosts: fc.constantFrom(null, ["h1"], ["h1", "h2"]),
    maxPerHost: fc.constantFrom(null, null, 1),
  }),
});

export const someFacts: fc.Arbitrary<InstanceFacts> = fc.record({
  on: fc.constantFrom(...hosts),
  generation: fc.integer({ min: 1, max: 3 }),
  state: fc.constantFrom(
    "running",
    "running",
    "running",
    "exited",
    "created",
    "paused",
    "restarting",
    "dead",
    "removing",
  ),
  health: fc.constantFrom("none", "none", "healthy", "starting", "unhealthy"),
  forMs: agoMs,
  consul: fc.constantFrom("passing", "passing", "passing", "critical", "unlisted", "maintenance", "node-critical"),
  specHash: fc.constantFrom(undefined, undefined, "older"),
}) as fc.Arbitrary<InstanceFacts>;

const someSlot: fc.Arbitrary<Partial<SlotMemory>> = fc.record({
  generation: fc.integer({ min: 0, max: 3 }),
  confirmed: fc.boolean(),
  host: fc.option(fc.constantFrom(...hosts), { nil: null }),
  backOff: fc.option(
    agoMs.map((ms) => ({ delayMs: 10_000, untilMs: T0 - ms + 20_000, because: "it ended" })),
    { nil: null },
  ),
  failuresAtMs: fc.array(
    agoMs.map((ms) => T0 - ms),
    { maxLength: 4 },
  ),
});

const someInFlight: fc.Arbitrary<InFlight> = fc
  .record({
    kind: fc.constantFrom("start", "stop", "scale", "register"),
    slot: fc.integer({ min: 1, max: 5 }),
    generation: fc.integer({ min: 1, max: 4 }),
    host: fc.constantFrom(...hosts),
    agoMs,
  })
  .map(({ kind, slot, generation, host, agoMs: ms }): InFlight => {
    const isStart = kind === "start";
    return {
      kind,
      slot: isStart ? slot : null,
      generation: isStart ? generation : null,
      host,
      subject: subjectOf(kind, slot, generation, host),
      sinceMs: T0 - ms,
      expiresAtMs: T0 - ms + 60_000,
    };
  });

function subjectOf(kind: string, slot: number, generation: number, host: string): string {
  const id = `web/${slot}/${generation}@${host}`;
  switch (kind) {
    case "start":
      return `heal.live.web.${slot}.${generation}`;
    case "register":
      return `registration of ${id}`;
    case "scale":
      return "id-of-the-swarm-service";
    default:
      return id;
  }
}

const someBinding: fc.Arbitrary<Binding> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Binding>({ kind: "engine" }) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        replicas: fc.integer({ min: 0, max: 6 }),
        updating: fc.boolean(),
        mode: fc.constantFrom("replicated" as const, "global" as const),
      })
      .map((changes): Binding => ({ kind: "swarm", id: "s1", name: "web", version: 3, specHash: null, ...changes })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(null, "it is built from a Dockerfile").map((unscalable): Binding => ({
      kind: "compose",
      host: "h1",
      project: "shop",
      composeService: "web",
      configFiles: [],
      workingDirectory: "",
      unscalable,
    })),
  },
  { weight: 1, arbitrary: fc.constant<Binding>({ kind: "none", reason: "nothing is called web" }) },
);

/** Any picture of a service `web` on three hosts, with any memory of it: likely, unlikely and absurd ones. */
export const someWorld: fc.Arbitrary<World> = fc
  .record({
    service: someService,
    instances: fc.array(fc.tuple(slotNumber, someFacts), { maxLength: 7 }),
    silent: fc.array(fc.tuple(fc.constantFrom(...hosts), agoMs, fc.constantFrom("passing", "critical", "absent")), {
      maxLength: 2,
    }),
    ghosts: fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom("h1-node", "h2-node")), {
      maxLength: 2,
      selector: String,
    }),
    slots: fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), someSlot), { maxLength: 4 }),
    inFlight: fc.uniqueArray(someInFlight, { maxLength: 3, selector: ({ subject }) => subject }),
    notPassing: fc.array(agoMs, { minLength: 7, maxLength: 7 }),
    registry: fc.constantFrom("known", "known", "known", "unknown"),
    looked: fc.constantFrom(0, 0, 1, 2, 2, 2),
    binding: someBinding,
    paused: fc.constantFrom(false, false, false, true),
    backOff: fc.constantFrom(null, null, { delayMs: 10_000, untilMs: T0 + 5_000, because: "refused" }),
    surplusSince: fc.option(agoMs, { nil: null }),
    stops: fc.array(agoMs, { maxLength: 12 }),
    sick: fc.constantFrom(false, false, true),
  })
  .map((drawn) => {
    let world = aWorld()
      .withHosts(...hosts)
      .withService("web", drawn.service)
      .withBinding("web", drawn.binding);
    // An engine holds no two containers of one name.
    const seen = new Set<string>();
    for (const [slot, facts] of drawn.instances) {
      const key = `${slot} ${slot === null ? "" : facts.generation} ${facts.on}`;
      if (seen.has(key)) continue;
      seen.add(key);
      world = world.withInstance("web", slot, slot === null ? { ...facts, generation: null } : facts);
    }
    for (const [slot, node] of drawn.ghosts) world = world.withGhost("web", slot, node);
    const ids = world.observation().services["web"]?.instances.map(({ container }) => container.id) ?? [];
    world = world.withMemory("web", {
      inFlight: drawn.inFlight,
      notPassingSinceMs: Object.fromEntries(ids.map((id, index) => [id, T0 - (drawn.notPassing[index] ?? 0)])),
      surplusSinceMs: drawn.surplusSince === null ? null : T0 - drawn.surplusSince,
      pause: drawn.paused ? { sinceMs: 0, untilMs: null, why: "" } : null,
      backOff: drawn.backOff,
    });
    for (const [slot, memory] of drawn.slots) world = world.withSlot("web", slot, memory);
    for (const [host, ms, node] of drawn.silent) world = world.withSilentHost(host, T0 - ms, node);
    if (drawn.looked > 0) world = world.looked().seen("web", { agreeingReads: drawn.looked });
    if (drawn.registry === "unknown") world = world.seen("web", { registry: unknown("Consul has no leader") });
    if (drawn.sick) world = world.withFleet({ instances: 10, runningButCritical: 9, servicesCritical: 4 });
    return world.withFleetMemory({ stopsAtMs: drawn.stops.map((ms) => T0 - ms).sort((a, b) => a - b) });
  });
