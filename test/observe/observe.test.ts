import { describe, expect, it } from "vitest";
import type { Container } from "../../src/model/instance.ts";
import { unknown } from "../../src/model/known.ts";
import type { Memory } from "../../src/model/memory.ts";
import { noFleetMemory, noServiceMemory } from "../../src/model/memory.ts";
import type { HostMirror } from "../../src/observe/host-mirror.ts";
import type { Depth } from "../../src/observe/observe.ts";
import { observe } from "../../src/observe/observe.ts";
import { aDesiredState, anAdoptedService, aService } from "../builders/service.ts";
import type { InstanceFacts } from "../builders/world.ts";
import { anInstance, aRegistration, T0 } from "../builders/world.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";
import { aHostMirror, eyesOn, scriptedRegistry } from "./support/stubs.ts";

const web = aService("web");
const noMemory: Memory = { fleet: noFleetMemory, services: {} };

function container(slot: number, facts: InstanceFacts = {}): Container {
  return anInstance(web, slot, T0, facts).container;
}

function looking(hosts: readonly HostMirror[]) {
  const script = scriptedRegistry();
  const clock = fakeClock(T0);
  const eyes = eyesOn(clock, hosts, script.registry);
  const look = async (depth: Depth = "mirror", services = [web], memory = noMemory) => {
    const desired = aDesiredState(services);
    return observe(eyes, desired, Object.keys(desired.services), memory, depth);
  };
  return { eyes, script, look };
}

describe("observing a service", () => {
  it("joins what the engines run with what Consul lists", async () => {
    const { script, look } = looking([
      aHostMirror("h1", [container(1)]),
      aHostMirror("h2", [container(2, { on: "h2" })]),
    ]);
    script.services.set("web", [aRegistration("web", "heal.live.web.1.1", 1)]);
    const { services } = await look();
    expect(services["web"]).toMatchObject({
      binding: { kind: "known", value: { kind: "engine" } },
      instances: [
        { container: { name: "heal.live.web.1.1" }, registration: { id: "heal.live.web.1" }, current: true },
        { container: { name: "heal.live.web.2.1" }, registration: null, current: true },
      ],
      silentHosts: {},
      registry: { kind: "known", value: { ghosts: [], foreign: [], index: 5 } },
      consistency: "default",
      freshRuntime: false,
      agreeingReads: 0,
      registrationsBefore: null,
    });
  });

  it("gives the very same observation while nothing about the service has changed", async () => {
    const there = [container(1)];
    const { eyes, script, look } = looking([aHostMirror("h1", there)]);
    script.services.set("web", [aRegistration("web", "heal.live.web.1.1", 1)]);
    const seen = async () => (await look()).services["web"];
    const first = await seen();
    expect(await seen()).toBe(first);
    there.push(container(2));
    const second = await seen();
    expect(second?.instances).toHaveLength(2);
    expect(await seen()).toBe(second);
    script.services.set("web", []);
    eyes.registry.invalidate(["web"]);
    expect((await seen())?.instances).toMatchObject([{ registration: null }, { registration: null }]);
    eyes.lastLooks.forgetAll();
    expect(await seen()).not.toBe(second);
  });

  it("does not go on with that of a host that was silent only while Consul was asked (simulator seed 970029)", async () => {
    const host = aHostMirror("h1", [container(1)]);
    let isSilent = false;
    const { eyes, look } = looking([
      { ...host, engine: () => (isSilent ? unknown("connection refused") : host.engine()) },
    ]);
    const registry = {
      ...eyes.registry,
      service: (...asked: Parameters<typeof eyes.registry.service>) => {
        isSilent = true;
        return eyes.registry.service(...asked);
      },
    };
    const desired = aDesiredState([web]);
    const during = await observe({ ...eyes, registry }, desired, ["web"], noMemory, "mirror");
    expect(during.services["web"]?.silentHosts).toEqual({ h1: "connection refused" });
    isSilent = false;
    expect((await look()).services["web"]?.silentHosts).toEqual({});
  });

  it("makes a new observation of what a closer look or a silent host is about", async () => {
    const { look } = looking([aHostMirror("h1", [container(1)])]);
    const first = (await look("consistent")).services["web"];
    expect((await look("consistent")).services["web"]).not.toBe(first);
    const half = looking([aHostMirror("h1", [container(1)]), aHostMirror("h2", [], { sinceMs: 7 })]);
    const seen = (await half.look()).services["web"];
    expect((await half.look()).services["web"]).not.toBe(seen);
  });

  it("asks Consul under the name that the service has there", async () => {
    const named = aService("web", { consul: { name: "shop-web", tags: [], meta: {}, tagOverride: false } });
    const { script, look } = looking([aHostMirror("h1", [])]);
    await look("mirror", [named]);
    expect(script.asked).toEqual(["shop-web default"]);
  });

  it("calls what was seen on a silent host not current", async () => {
    const { look } = looking([aHostMirror("h1", [container(1)], { sinceMs: 7 }), aHostMirror("h2", [])]);
    const { services, hosts } = await look();
    expect(services["web"]?.instances).toMatchObject([{ current: false }]);
    expect(services["web"]?.silentHosts).toEqual({ h1: "the engine of h1 does not answer: timeout" });
    expect(hosts["h1"]?.silentSinceMs).toBe(7);
  });

  it("counts a silent host outside of its placement only when something of it runs there", async () => {
    const placed = aService("web", { placement: { hosts: ["h2"], maxPerHost: null } });
    const empty = looking([aHostMirror("h1", [], { sinceMs: 7 }), aHostMirror("h2", [])]);
    expect((await empty.look("mirror", [placed])).services["web"]?.silentHosts).toEqual({});
    const moved = looking([aHostMirror("h1", [container(1)], { sinceMs: 7 }), aHostMirror("h2", [])]);
    const { services } = await moved.look("mirror", [placed]);
    expect(services["web"]?.silentHosts).toHaveProperty("h1");
    expect(services["web"]?.instances).toMatchObject([{ current: false }]);
  });

  it("looks at the engines after Consul has answered, so that nothing new looks like a ghost", async () => {
    const there: Container[] = [];
    const { script, look } = looking([aHostMirror("h1", there)]);
    let answer = (): void => undefined;
    script.gate = new Promise((resolve) => (answer = resolve));
    script.services.set("web", [aRegistration("web", "heal.live.web.1.1", 1)]);
    const observed = look();
    there.push(container(1));
    answer();
    const { services } = await observed;
    expect(services["web"]?.instances).toHaveLength(1);
    expect(services["web"]?.registry).toMatchObject({ value: { ghosts: [] } });
  });

  it("hands on why Consul cannot be relied on", async () => {
    const { script, look } = looking([aHostMirror("h1", [container(1)])]);
    script.says = { knownLeader: false };
    const { services } = await look();
    expect(services["web"]).toMatchObject({
      registry: { kind: "unknown", reason: "Consul has no leader" },
      instances: [{ registration: null }],
    });
  });

  it("remembers how many were listed before", async () => {
    const { look } = looking([aHostMirror("h1", [])]);
    const memory = { fleet: noFleetMemory, services: { web: { ...noServiceMemory, registrations: 3 } } };
    expect((await look("mirror", [web], memory)).services["web"]?.registrationsBefore).toBe(3);
  });

  describe("consistently", () => {
    it("asks the engines for this service, and Consul's leader", async () => {
      const host = aHostMirror("h1", [container(1)]);
      const { script, look } = looking([host]);
      const { services } = await look("consistent");
      expect(host.refreshed).toEqual(["web"]);
      expect(script.asked).toEqual(["web consistent"]);
      expect(services["web"]).toMatchObject({ consistency: "consistent", freshRuntime: true, agreeingReads: 1 });
    });

    it("asks each engine once for everything when there are many services", async () => {
      const host = aHostMirror("h1", []);
      const { look } = looking([host]);
      await look(
        "consistent",
        Array.from({ length: 9 }, (_, index) => aService(`s${index}`)),
      );
      expect(host.refreshed).toEqual(["everything"]);
    });

    it("counts how many looks in a row agree", async () => {
      const there = [container(1)];
      const { script, look } = looking([aHostMirror("h1", there)]);
      const agreeing = async (depth: Depth) => (await look(depth)).services["web"]?.agreeingReads;
      expect(await agreeing("consistent")).toBe(1);
      expect(await agreeing("consistent")).toBe(2);
      script.services.set("web", [aRegistration("web", "heal.live.web.1.1", 1)]);
      expect(await agreeing("consistent")).toBe(1);
      there.push(container(2));
      expect(await agreeing("consistent")).toBe(1);
      expect(await agreeing("consistent")).toBe(2);
      expect(await agreeing("mirror")).toBe(0);
      expect(await agreeing("consistent")).toBe(1);
      script.failure = new Error("timeout");
      expect(await agreeing("consistent")).toBe(0);
      script.failure = null;
      expect(await agreeing("consistent")).toBe(1);
    });
  });

  describe("that Compose runs", () => {
    const compose = (number: number, service = "web"): Container =>
      container(number, {
        container: {
          id: `c${number}`,
          name: `shop-${service}-${number}`,
          service: null,
          slot: null,
          compose: { project: "web", service, number, workingDirectory: "/srv", configFiles: ["a.yaml"] },
        },
      });
    const adopted = anAdoptedService("web", { count: 1 });

    it("is found by its project, with what is needed to scale it", async () => {
      const { look } = looking([aHostMirror("h1", [compose(1), compose(2, "db")])]);
      const { services } = await look("mirror", [adopted]);
      expect(services["web"]?.binding).toMatchObject({
        value: { kind: "compose", host: "h1", project: "web", composeService: "web", configFiles: ["a.yaml"] },
      });
      expect(services["web"]?.instances.map(({ container: { name } }) => name)).toEqual(["shop-web-1"]);
    });

    it("is remembered when nothing of it is left", async () => {
      const { look, eyes } = looking([aHostMirror("h1", [compose(1)])]);
      const first = await look("mirror", [adopted]);
      const binding = first.services["web"]?.binding;
      if (binding?.kind !== "known") throw new Error("it was not found");
      const memory = { fleet: noFleetMemory, services: { web: { ...noServiceMemory, binding: binding.value } } };
      const gone = await observe(
        { ...eyes, hosts: [aHostMirror("h1", [])] },
        aDesiredState([adopted]),
        ["web"],
        memory,
        "mirror",
      );
      expect(gone.services["web"]?.binding).toMatchObject({ value: { kind: "compose", project: "web" } });
    });

    it("is nothing to adopt when it was never seen", async () => {
      const { look } = looking([aHostMirror("h1", [])]);
      expect((await look("mirror", [adopted])).services["web"]?.binding).toMatchObject({ value: { kind: "none" } });
    });
  });
});

describe("the sums over the fleet", () => {
  const critical = { consul: "critical" } as const;

  it("are kept by the difference that each look makes", async () => {
    const sick = anInstance(web, 1, T0, critical);
    const { script, look, eyes } = looking([aHostMirror("h1", [sick.container, container(2)])]);
    script.services.set("web", sick.registration === null ? [] : [sick.registration]);
    expect((await look()).fleet).toEqual({ instances: 2, runningButCritical: 1, servicesCritical: 1 });
    expect((await look()).fleet).toEqual({ instances: 2, runningButCritical: 1, servicesCritical: 1 });
    script.services.set("web", []);
    eyes.registry.invalidate(["web"]);
    expect((await look()).fleet).toEqual({ instances: 2, runningButCritical: 0, servicesCritical: 0 });
  });

  it("count nobody who has just started, or does not run", async () => {
    const young = anInstance(web, 1, T0, { ...critical, forMs: 29_000 });
    const ended = anInstance(web, 2, T0, { ...critical, state: "exited" });
    const { script, look } = looking([aHostMirror("h1", [young.container, ended.container])]);
    script.services.set(
      "web",
      [young, ended].flatMap(({ registration }) => registration ?? []),
    );
    expect((await look()).fleet).toEqual({ instances: 1, runningButCritical: 0, servicesCritical: 0 });
  });

  it("count those whose node is critical", async () => {
    const sick = anInstance(web, 1, T0, { consul: "node-critical" });
    const { script, look } = looking([aHostMirror("h1", [sick.container])]);
    script.services.set("web", sick.registration === null ? [] : [sick.registration]);
    expect((await look()).fleet.runningButCritical).toBe(1);
  });

  it("stay as they were while Consul says nothing, and forget a service that nobody asks for any more", async () => {
    const sick = anInstance(web, 1, T0, critical);
    const { script, look, eyes } = looking([aHostMirror("h1", [sick.container])]);
    script.services.set("web", sick.registration === null ? [] : [sick.registration]);
    await look();
    eyes.registry.setTrouble("the watch is broken");
    expect((await look()).fleet.runningButCritical).toBe(1);
    const none = await observe(eyes, aDesiredState([]), ["web"], noMemory, "mirror");
    expect(none.fleet).toEqual({ instances: 0, runningButCritical: 0, servicesCritical: 0 });
  });
});
