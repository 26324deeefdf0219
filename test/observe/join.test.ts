import { describe, expect, it } from "vitest";
import type { Container, PublishedPort, Registration } from "../../src/model/instance.ts";
import { META } from "../../src/model/labels.ts";
import type { JoinInput } from "../../src/observe/join.ts";
import { join } from "../../src/observe/join.ts";
import { aService } from "../builders/service.ts";
import type { InstanceFacts } from "../builders/world.ts";
import { anInstance, aRegistration, T0 } from "../builders/world.ts";

const web = aService("web");

function container(slot: number, facts: InstanceFacts = {}): Container {
  return anInstance(web, slot, T0, facts).container;
}

/** Of somebody else's making: without our meta. */
function foreign(id: string, changes: Partial<Registration> = {}): Registration {
  return { ...aRegistration("web", "x", null), id, meta: {}, port: 1, ...changes };
}

function joined(
  containers: readonly Container[],
  registrations: readonly Registration[],
  changes: Partial<JoinInput> = {},
): { readonly pairs: readonly string[]; readonly ghosts: readonly string[]; readonly foreign: readonly string[] } {
  const { instances, registry } = join({
    environment: "live",
    service: "web",
    containers: containers.map((one) => ({ container: one, current: true })),
    registrations,
    index: 9,
    identity: { nodeOf: () => null, addresses: {} },
    isBehindSilence: () => false,
    ...changes,
  });
  return {
    pairs: instances.map((one) =>
      `${one.container.name}@${one.container.host}: ${one.registration?.id ?? "-"} ${one.registration?.node ?? ""}`.trim(),
    ),
    ghosts: registry.ghosts.map(({ id }) => id),
    foreign: registry.foreign.map(({ id }) => id),
  };
}

const on = (host: string): PublishedPort => ({ container: 80, host: 8_080, hostIp: host, protocol: "tcp" });

describe("joining containers and registrations", () => {
  it("goes by the container's name in our meta", () => {
    const result = joined([container(1), container(2)], [aRegistration("web", "heal.live.web.2.1", 2)]);
    expect(result.pairs).toEqual(["heal.live.web.1.1@h1: -", "heal.live.web.2.1@h1: heal.live.web.2 h1-node"]);
    expect(result.ghosts).toEqual([]);
  });

  it("keeps apart two of one name on two hosts, where it knows whose node is whose", () => {
    const identity = { nodeOf: (host: string) => `${host}-node`, addresses: {} };
    const result = joined(
      [container(1, { on: "h1" }), container(1, { on: "h2" })],
      [aRegistration("web", "heal.live.web.1.1", 1, { node: "h2-node" })],
      { identity },
    );
    expect(result.pairs).toEqual(["heal.live.web.1.1@h1: -", "heal.live.web.1.1@h2: heal.live.web.1 h2-node"]);
  });

  it("calls a ghost what carries our mark and has no container", () => {
    const result = joined([container(1, { generation: 2 })], [aRegistration("web", "heal.live.web.1.1", 1)]);
    expect(result.pairs).toEqual(["heal.live.web.1.2@h1: -"]);
    expect(result.ghosts).toEqual(["heal.live.web.1"]);
  });

  it("calls nothing a ghost that may run where nobody can look", () => {
    const result = joined([], [aRegistration("web", "heal.live.web.1.1", 1)], {
      isBehindSilence: (node) => node === "h1-node",
    });
    expect(result.ghosts).toEqual([]);
    expect(result.foreign).toEqual([]);
  });

  it("sees nothing of another environment or of another service under the same name", () => {
    const of = (environment: string, service: string) =>
      aRegistration("web", "heal.x.1.1", 1, {
        meta: { [META.environment]: environment, [META.service]: service, [META.container]: "heal.x.1.1" },
      });
    const result = joined([], [of("test", "web"), of("live", "web-admin")]);
    expect(result).toEqual({ pairs: [], ghosts: [], foreign: [] });
  });

  describe("that somebody else has registered", () => {
    it("goes by a container's name within the id, as Registrator writes it", () => {
      const result = joined([container(1, { container: { name: "shop-web-1" } })], [foreign("host7:shop-web-1:8080")]);
      expect(result.pairs).toEqual(["shop-web-1@h1: host7:shop-web-1:8080 h1-node"]);
    });

    it("does not take a part of a name for the name", () => {
      const result = joined([container(1, { container: { name: "web" } })], [foreign("host7:web-admin:8080")]);
      expect(result.foreign).toEqual(["host7:web-admin:8080"]);
    });

    it("goes by address and port", () => {
      const one = container(1, { container: { name: "a", ports: [on("10.0.0.7")] } });
      expect(joined([one], [foreign("x", { port: 8_080, address: "10.0.0.7" })]).pairs).toEqual(["a@h1: x h1-node"]);
      expect(joined([one], [foreign("x", { port: 8_080, address: "10.0.0.8" })]).foreign).toEqual(["x"]);
    });

    it("does not mistake the same port of another host for its own", () => {
      const one = container(1, { container: { name: "a", ports: [on("0.0.0.0")] } });
      const there = foreign("x", { port: 8_080, address: "10.0.0.8", node: "h2-node" });
      expect(joined([one], [there]).pairs).toEqual(["a@h1: x h2-node"]);
      const byNode = { nodeOf: (host: string) => `${host}-node`, addresses: {} };
      expect(joined([one], [there], { identity: byNode }).foreign).toEqual(["x"]);
      const byAddress = { nodeOf: () => null, addresses: { h1: "10.0.0.7" } };
      expect(joined([one], [there], { identity: byAddress }).foreign).toEqual(["x"]);
    });

    it("gives each registration to one container only", () => {
      const two = [
        container(1, { container: { id: "a", name: "a", ports: [on("")] } }),
        container(2, { container: { id: "b", name: "b", ports: [on("")] } }),
      ];
      expect(joined(two, [foreign("x", { port: 8_080 })]).pairs).toEqual(["a@h1: x h1-node", "b@h1: -"]);
    });
  });

  it("takes time in proportion to what there is: 2,000 and 2,000 are compared by their clues alone", () => {
    let looks = 0;
    const registrations = Array.from({ length: 2_000 }, (_, index) =>
      aRegistration("web", `heal.live.web.${index}.1`, index),
    );
    const counted = registrations.map(
      (one) =>
        new Proxy(one, {
          get(target, key, receiver) {
            if (key === "meta") looks += 1;
            return Reflect.get(target, key, receiver) as unknown;
          },
        }),
    );
    const containers = Array.from({ length: 2_000 }, (_, index) => container(index, { generation: 1 }));
    joined(containers, counted);
    expect(looks).toBeLessThan(2_000 * 10);
  });
});
