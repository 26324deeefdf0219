import { describe, expect, it } from "vitest";
import type { Placement } from "../../src/model/service.ts";
import { aTemplate } from "../builders/template.ts";
import { aWorld, T0 } from "../builders/world.ts";
import { does, holds } from "./support/say.ts";

const on = (world: ReturnType<typeof aWorld>): readonly string[] =>
  does(world.plan()).map((said) => said.replace(/^start web\.(\d+)\.\d+ on (\w+) .*/, "$1 on $2"));

describe("placement", () => {
  it("spreads over the hosts", () => {
    const world = aWorld().withHosts("h1", "h2", "h3").withService("web", { count: 5 });
    expect(on(world)).toEqual(["1 on h1", "2 on h2", "3 on h3", "4 on h1", "5 on h2"]);
  });

  it("counts what runs already, and what is on its way", () => {
    const world = aWorld()
      .withService("web", { count: 4 })
      .withInstance("web", 1, { on: "h1" })
      .withMemory("web", {
        inFlight: [
          {
            kind: "start",
            slot: 2,
            generation: 1,
            host: "h1",
            subject: "heal.live.web.2.1",
            sinceMs: T0,
            expiresAtMs: T0 + 1,
          },
        ],
      });
    expect(on(world)).toEqual(["3 on h2", "4 on h2"]);
  });

  it("prefers the host where the slot was, then the emptier one", () => {
    const where = (host: string) =>
      on(aWorld().withService("web", { count: 1 }).withSlot("web", 1, { generation: 3, host }));
    expect(where("h2")).toEqual(["1 on h2"]);
    expect(on(aWorld().withHost("h1", { load: 9 }).withService("web", { count: 1 }))).toEqual(["1 on h2"]);
  });

  it("rather spreads than goes back to where the slot was", () => {
    const world = aWorld()
      .withService("web", { count: 2 })
      .withInstance("web", 1, { on: "h1" })
      .withSlot("web", 2, { generation: 1, host: "h1" });
    expect(on(world)).toEqual(["2 on h2"]);
  });

  it("goes back to where the slot's own data is", () => {
    const stateful = { count: 2, container: aTemplate("web:1", { volumes: ["data-{slot}:/data"] }) };
    const world = aWorld()
      .withService("web", stateful)
      .withInstance("web", 1, { on: "h1" })
      .withSlot("web", 2, { generation: 1, host: "h1" });
    expect(on(world)).toEqual(["2 on h1"]);
  });

  it("moves to another host after two failures on one", () => {
    const after = (failedHosts: readonly string[]) =>
      on(aWorld().withService("web", { count: 1 }).withSlot("web", 1, { generation: 3, host: "h1", failedHosts }));
    expect(after(["h1"])).toEqual(["1 on h1"]);
    expect(after(["h1", "h1"])).toEqual(["1 on h2"]);
    expect(after(["h1", "h1", "h2", "h2"])).toEqual(["1 on h1"]);
  });

  it("avoids a node that Consul calls critical", () => {
    const world = aWorld()
      .withService("web", { count: 3 })
      .withInstance("web", 1, { on: "h1", consul: "node-critical", forMs: 1_000 })
      .withInstance("web", 2, { on: "h2" });
    expect(on(world)).toEqual(["3 on h2"]);
  });

  const limited = (placement: Partial<Placement>) => ({
    count: 3,
    placement: { hosts: null, maxPerHost: null, ...placement },
  });

  it("keeps to the hosts of the service", () => {
    const world = aWorld().withService("web", limited({ hosts: ["h2"] }));
    expect(on(world)).toEqual(["1 on h2", "2 on h2", "3 on h2"]);
  });

  it("keeps to the limit per host, and says so", () => {
    const world = aWorld().withService("web", limited({ maxPerHost: 1 }));
    expect(on(world)).toEqual(["1 on h1", "2 on h2"]);
    expect(holds(world.plan())).toEqual(["start-missing: placement"]);
    expect(world.plan().plan.services["web"]?.holds[0]?.reason).toBe(
      "every host that answers has its 1 already (h1, h2)",
    );
  });

  it("uses all of the room that the limit leaves", () => {
    const world = aWorld().withService("web", { ...limited({ maxPerHost: 2 }), count: 5 });
    expect(on(world)).toEqual(["1 on h1", "2 on h2", "3 on h1", "4 on h2"]);
    const started = aWorld()
      .withService("web", { ...limited({ maxPerHost: 2 }), count: 3 })
      .withInstance("web", 1, { on: "h1" })
      .withInstance("web", 2, { on: "h2" });
    expect(on(started)).toEqual(["3 on h1"]);
  });

  it("puts one with a fixed port on a host", () => {
    const port = { container: 8080, host: 8080, hostIp: null, protocol: "tcp" } as const;
    const world = aWorld().withService("web", { count: 3, container: aTemplate("web:1", { ports: [port] }) });
    expect(on(world)).toEqual(["1 on h1", "2 on h2"]);
  });

  it("uses no host that does not answer", () => {
    const world = aWorld()
      .withService("web", { count: 2 })
      .withSlot("web", 1, { generation: 1, host: "h1" })
      .withSlot("web", 2, { generation: 1, host: "h1" })
      .withSilentHost("h2", T0 - 1_000);
    expect(on(world)).toEqual(["1 on h1", "2 on h1"]);
  });
});
