import { describe, expect, it } from "vitest";
import { openHostMirror } from "../../src/observe/host-mirror.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";
import { scriptedEngine } from "../observe/support/scripted-engine.ts";
import { aService } from "../builders/service.ts";
import type { World } from "../builders/world.ts";
import { anInstance, aWorld, T0 } from "../builders/world.ts";
import { does, holds } from "../plan/support/say.ts";

describe("66: what Registrator gets wrong", () => {
  it("leaves stale services behind after a reboot: they are taken back", () => {
    const rebooted = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { generation: 2 })
      .withGhost("web", 2, "h1-node")
      .looked();
    expect(does(rebooted.plan())).toEqual(["deregister web.2 on h1-node (deregister-ghost)"]);
  });

  it("loses registrations when Consul restarts: they are made again", () => {
    const lost = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1, { consul: "unlisted" })
      .withInstance("web", 2, { on: "h2", consul: "unlisted" })
      .seen("web", { registrationsBefore: 2 })
      .looked();
    expect(does(lost.plan())).toEqual([
      "register web.1.1 on h1 (register-unlisted)",
      "register web.2.1 on h2 (register-unlisted)",
    ]);
  });

  it("makes duplicates when a host changes its name: a slot has one id, whatever runs it", () => {
    const renamed = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { registration: { node: "h1-renamed" } })
      .withGhost("web", 1, "h1-node")
      .looked();
    expect(does(renamed.plan())).toEqual(["deregister web.1 on h1-node (deregister-ghost)"]);
  });

  it("misses a death, or ends with the event stream: what was missed is found when it is open again", async () => {
    const clock = fakeClock();
    const script = scriptedEngine();
    const filter = { environment: "live", service: null, composeProjects: [], swarmServices: [] };
    const mirror = openHostMirror({ engine: script.engine, clock, filter: () => filter, onChange: () => undefined });
    const { container } = anInstance(aService("web"), 1, T0);
    script.there.set(container.id, container);
    const stop = new AbortController();
    const followed = mirror.follow(stop.signal);
    script.stream()?.open();
    await clock.settle();
    script.stream()?.end();
    script.there.set(container.id, { ...container, state: "exited" });
    await clock.advance(100);
    script.stream()?.open();
    await clock.settle();
    expect(mirror.containers("service web")).toMatchObject([{ state: "exited" }]);
    stop.abort();
    await followed;
  });
});

describe("what users of other tools complain about", () => {
  /** So many services of three, of which Consul calls every instance critical for a minute now. */
  function sickFleet(services: number): World {
    let world = aWorld().withHosts("h1", "h2", "h3");
    for (let number = 1; number <= services; number += 1) {
      const name = `s${number}`;
      world = world.withService(name, { count: 3 });
      const since: Record<string, number> = {};
      for (const slot of [1, 2, 3]) {
        world = world.withInstance(name, slot, { on: `h${slot}`, consul: "critical" });
        since[`${name}/${slot}/1@h${slot}`] = T0 - 60_000;
      }
      world = world.withMemory(name, { notPassingSinceMs: since });
    }
    return world;
  }

  it("rancher/rancher#3373: a sick checker recreates everything; here it freezes, and one alert says so", () => {
    const planned = sickFleet(20).plan();
    expect(does(planned)).toEqual([]);
    expect(planned.memory.fleet.frozenSinceMs).toBe(T0);
  });

  it("rancher/rancher#3373: even when the freeze does not see it, no more than the budget is replaced", () => {
    const planned = sickFleet(20)
      .withFleet({ runningButCritical: 0, servicesCritical: 0, instances: 60 })
      .looked()
      .plan();
    expect(does(planned)).toHaveLength(10);
    expect(holds(planned, "s9")).toContain("replace-unhealthy: blast-radius");
  });

  it("moby/moby#28400: an unhealthy container is replaced outside of Swarm as well", () => {
    const sick = aWorld()
      .withService("web", { count: 1, consul: null })
      .withInstance("web", 1, { health: "unhealthy" })
      .withMemory("web", { notPassingSinceMs: { "web/1/1@h1": T0 - 60_000 } });
    expect(does(sick.looked().plan())).toEqual(["start web.1.2 on h2 (replace-unhealthy)"]);
  });

  it("docker/compose#3924: of old and new it is the old one that goes", () => {
    const world = aWorld()
      .withService("web", { count: 1, surplus: { action: "trim", afterMs: 0 } })
      .withInstance("web", 1, { specHash: "older", forMs: 9_000_000 })
      .withInstance("web", 2, { forMs: 1_000_000 })
      .withMemory("web", { surplusSinceMs: 0 })
      .looked();
    expect(does(world.plan()).map((line) => line.slice(0, 12))).toEqual(["stop web.2.1"]);
    const equal = world.withService("web", { count: 0, surplus: { action: "trim", afterMs: 0 } });
    const both = equal
      .withInstance("web", 1, { specHash: "older", forMs: 9_000_000 })
      .withInstance("web", 2, { forMs: 1_000_000 })
      .withMemory("web", { surplusSinceMs: 0 })
      .looked();
    expect(does(both.plan())[0]?.slice(0, 12)).toBe("stop web.1.1");
  });

  it("hashicorp/consul#571: a nudge without a cause changes nothing", () => {
    const whole = aWorld().withService("web", { count: 1 }).withInstance("web", 1);
    let planned = whole.plan();
    for (let times = 0; times < 100; times += 1) {
      const again = whole.after(times, planned).plan();
      expect(does(again)).toEqual([]);
      expect(again.memory.services["web"]).toBe(planned.memory.services["web"]);
      planned = again;
    }
  });

  it("hashicorp/consul-template#1098: a valid but empty answer during an election takes nobody away", () => {
    const empty = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1, { consul: "unlisted" })
      .withInstance("web", 2, { on: "h2", consul: "unlisted" })
      .seen("web", { registrationsBefore: 2 });
    expect(does(empty.plan())).toEqual([]);
    expect(does(empty.looked().plan()).filter((line) => !line.startsWith("register"))).toEqual([]);
  });
});
