import { ActionRefused, Fenced } from "../../../src/act/hands.ts";
import type { Permit, Tools } from "../../../src/act/hands.ts";
import type { Container } from "../../../src/model/instance.ts";
import type { ContainerFilter, Creation, Engine } from "../../../src/ports/engine.ts";
import { EngineError } from "../../../src/ports/engine.ts";
import type { NewRegistration, Registry } from "../../../src/ports/registry.ts";
import { aService } from "../../builders/service.ts";
import { anInstance, ENVIRONMENT } from "../../builders/world.ts";
import type { FakeClock } from "../../loop/support/fake-clock.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";

/**
 * Ports that note everything that is sent, in order, and do as the test says. What is sent is one line:
 * `h1 start heal.live.web.1.1`, `agent of h1 register heal.live.web.1`, `h1-node maintenance heal.live.web.1`.
 */
export interface ScriptedHands {
  readonly tools: Tools;
  readonly clock: FakeClock;
  readonly sent: string[];
  readonly there: Map<string, Container>;
  readonly created: Creation[];
  readonly registered: NewRegistration[];
  /** The next time this is sent, it fails so. */
  failing(line: string, error: Error): void;
  /** This takes until the test lets it go. */
  holding(line: string): () => void;
  /** Allows so many looks at its fence; from then on that has fallen. `written`: what is about to happen stands in Memory. */
  fence(looks?: number, written?: Promise<void>): Permit;
}

export function scriptedHands(changes: Partial<Tools> = {}): ScriptedHands {
  const sent: string[] = [];
  const there = new Map<string, Container>();
  const created: Creation[] = [];
  const registered: NewRegistration[] = [];
  const failures = new Map<string, Error>();
  const held = new Map<string, Promise<void>>();
  const clock = fakeClock(1_000_000);

  const send = async <T>(line: string, effect: () => T): Promise<T> => {
    sent.push(line);
    const failure = failures.get(line);
    failures.delete(line);
    if (failure !== undefined) throw failure;
    await held.get(line);
    return effect();
  };
  const refuse = (): never => {
    throw new Error("nothing is read here");
  };
  const anEngine = (host: string): Engine => ({
    host,
    ping: refuse,
    list: async (_filter: ContainerFilter) => refuse(),
    inspect: (idOrName) => {
      sent.push(`${host} inspect ${idOrName}`);
      return Promise.resolve([...there.values()].find(({ id, name }) => id === idOrName || name === idOrName) ?? null);
    },
    start: async (creation, mayGoOn) => {
      const started = await send(`${host} start ${creation.name}`, () => {
        const holder = [...there.values()].find(({ name, host: on }) => name === creation.name && on === host);
        if (holder !== undefined) throw new EngineError("name-taken", `${creation.name} is taken`);
        created.push(creation);
        const container = aContainerFor(creation, host, clock.steadyMs());
        there.set(container.id, { ...container, state: "created" });
        return container;
      });
      await mayGoOn?.("start");
      there.set(started.id, started);
      return started;
    },
    stop: (id, graceMs) => send(`${host} stop ${id} within ${graceMs} ms`, () => undefined),
    remove: (id) => send(`${host} remove ${id}`, () => void there.delete(id)),
    lastOutput: (id, lines) => send(`${host} last ${lines} lines of ${id}`, () => "out of memory"),
    follow: refuse,
    close: () => undefined,
  });
  const registry: Registry = {
    readService: refuse,
    readNodes: refuse,
    readNotPassing: refuse,
    readServiceNames: refuse,
    readNodeServices: refuse,
    register: (host, registration) =>
      send(`agent of ${host} register ${registration.id}`, () => void registered.push(registration)),
    deregister: (node, id) => send(`${node} deregister ${id}`, () => undefined),
    setMaintenance: (node, id, reason) => send(`${node} maintenance ${id}: ${reason ?? "off"}`, () => undefined),
    nodeOf: async (host) => `${host}-node`,
    readKey: async (key) => (key === "config/db" ? "postgres://db" : null),
  };
  const tools: Tools = {
    environment: ENVIRONMENT,
    engines: { h1: anEngine("h1"), h2: anEngine("h2") },
    hostAddresses: { h1: "10.0.0.1", h2: null },
    swarm: null,
    compose: null,
    registry,
    clock,
    startsPerHost: 2,
    secrets: {
      file: async (path) => {
        if (path === "secrets/key") return "s3cret";
        throw new ActionRefused(`${path} cannot be read`, "later");
      },
      variable: (name) => (name === "TOKEN" ? "t0ken" : null),
    },
    policyBreach: () => null,
    ...changes,
  };
  return {
    tools,
    clock,
    sent,
    there,
    created,
    registered,
    failing: (line, error) => void failures.set(line, error),
    holding(line) {
      let letGo = (): void => undefined;
      held.set(line, new Promise((resolve) => (letGo = resolve)));
      return letGo;
    },
    fence(looks = Number.POSITIVE_INFINITY, written = Promise.resolve()) {
      let left = looks;
      const fence = (): string => {
        left -= 1;
        if (left < 0) throw new Fenced("not acting any more: no renewal for 1300 ms");
        return "session@7";
      };
      return { fence, writtenDown: () => written };
    },
  };
}

function aContainerFor(creation: Creation, host: string, nowMs: number): Container {
  const generation = Number(creation.labels["heal.generation"]);
  const service = aService(creation.labels["heal.service"] ?? "web");
  const facts = { on: host, generation, forMs: 0, specHash: creation.labels["heal.spec-hash"] ?? null };
  return anInstance(service, creation.slot, nowMs, facts).container;
}
