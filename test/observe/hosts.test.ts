import { describe, expect, it } from "vitest";
import { known, unknown } from "../../src/model/known.ts";
import { giveUpDead, observeHosts } from "../../src/observe/hosts.ts";
import { openRegistryMirror } from "../../src/observe/registry-mirror.ts";
import { noSwarmMirror } from "../../src/observe/swarm-mirror.ts";
import type { SwarmMirror } from "../../src/observe/swarm-mirror.ts";
import type { NodeHealth } from "../../src/ports/registry.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";
import { aHostMirror, scriptedRegistry } from "./support/stubs.ts";

const silent = { sinceMs: 7 };

async function seen(
  mirrors: Parameters<typeof observeHosts>[0],
  nodes: readonly NodeHealth[] | null,
  identity: Partial<Parameters<typeof observeHosts>[3]> = {},
  swarm: SwarmMirror = noSwarmMirror,
) {
  const script = scriptedRegistry();
  if (nodes === null) script.failure = new Error("no quorum");
  else script.nodes = nodes;
  const registry = openRegistryMirror(script.registry, fakeClock());
  const result = await observeHosts(mirrors, registry, swarm, { nodeOf: () => null, addresses: {}, ...identity });
  return { ...result, asked: script.asked };
}

function aNode(node: string, status: NodeHealth["status"], address = ""): NodeHealth {
  return { node, address, status };
}

describe("observing the hosts", () => {
  it("asks nobody else while all of them answer", async () => {
    const { hosts, asked, isBehindSilence } = await seen([aHostMirror("h1", [])], []);
    expect(asked).toEqual([]);
    expect(hosts["h1"]).toMatchObject({ engine: { kind: "known" }, silentSinceMs: null, swarmNode: null, load: 0 });
    expect(isBehindSilence("h1")).toBe(false);
  });

  it("asks Consul about one that does not", async () => {
    const { hosts } = await seen([aHostMirror("h1", []), aHostMirror("h2", [], silent)], [aNode("h2", "critical")]);
    expect(hosts["h2"]).toMatchObject({
      engine: { kind: "unknown" },
      silentSinceMs: 7,
      node: { kind: "known", value: "critical" },
    });
    expect(hosts["h1"]?.node.kind).toBe("unknown");
  });

  it.each([
    ["by what its agent said of itself", { nodeOf: () => "n7" }, aNode("n7", "critical")],
    ["by its address", { addresses: { h2: "10.0.0.2" } }, aNode("n7", "critical", "10.0.0.2")],
    ["by its name", {}, aNode("h2", "critical")],
  ])("finds its node %s", async (_name, identity, node) => {
    const { hosts } = await seen(
      [aHostMirror("h2", [], silent)],
      [aNode("other", "passing", "10.0.0.9"), node],
      identity,
    );
    expect(hosts["h2"]?.node).toMatchObject({ value: "critical" });
  });

  it("does not mistake a node that is not there, or that nobody can ask about, for one that is critical", async () => {
    const absent = await seen([aHostMirror("h2", [], silent)], [aNode("h1", "critical")]);
    expect(absent.hosts["h2"]?.node).toMatchObject({ kind: "known", value: "absent" });
    const unasked = await seen([aHostMirror("h2", [], silent)], null);
    expect(unasked.hosts["h2"]?.node).toEqual(unknown("Consul: no quorum"));
  });

  it("takes a warning of the node for no loss", async () => {
    const { hosts } = await seen([aHostMirror("h2", [], silent)], [aNode("h2", "warning")]);
    expect(hosts["h2"]?.node).toMatchObject({ value: "passing" });
  });

  it("asks the Swarm managers about the node that the engine was", async () => {
    const node = { hostname: "h2", address: "", availability: "active" } as const;
    const swarm = (id: string, state: "ready" | "down"): SwarmMirror => ({
      ...noSwarmMirror,
      nodes: async () => known([{ ...node, id, state }], 3),
    });
    const down = await seen([aHostMirror("h2", [], silent)], [], {}, swarm("node-of-h2", "down"));
    expect(down.hosts["h2"]?.swarmNode).toMatchObject({ kind: "known", value: "down" });
    const strange = await seen([aHostMirror("h2", [], silent)], [], {}, swarm("another", "down"));
    expect(strange.hosts["h2"]?.swarmNode).toEqual(unknown("Swarm does not know the node"));
  });

  describe("says what may run behind silence", () => {
    it("by the node of the silent host", async () => {
      const { isBehindSilence } = await seen(
        [aHostMirror("h2", [], silent)],
        [aNode("h2", "passing"), aNode("h1", "passing")],
      );
      expect([isBehindSilence("h2"), isBehindSilence("h1")]).toEqual([true, false]);
    });

    it("by what its agent said while it could be asked, when nobody knows the nodes now", async () => {
      const { isBehindSilence } = await seen([aHostMirror("h2", [], silent)], null, { nodeOf: () => "n7" });
      expect([isBehindSilence("n7"), isBehindSilence("h1")]).toEqual([true, false]);
    });

    it("and suspects every node when that host's own is not known", async () => {
      const { isBehindSilence } = await seen([aHostMirror("h2", [], silent)], [aNode("h1", "passing")]);
      expect(isBehindSilence("h1")).toBe(true);
    });
  });
});

describe("a host whose answer is overdue", () => {
  const overdue = (host: string) => {
    const given: string[] = [];
    return { given, mirror: { ...aHostMirror(host, []), isOverdue: () => true, giveUp: () => void given.push(host) } };
  };
  const notice = async (mirror: ReturnType<typeof overdue>["mirror"], nodes: readonly NodeHealth[] | null) => {
    const script = scriptedRegistry();
    if (nodes === null) script.failure = new Error("no quorum");
    else script.nodes = nodes;
    await giveUpDead([mirror], openRegistryMirror(script.registry, fakeClock()), { nodeOf: () => null, addresses: {} });
    return script.asked;
  };

  it("is given up at once when Consul calls its node critical", async () => {
    const { given, mirror } = overdue("h1");
    await notice(mirror, [aNode("h1", "critical")]);
    expect(given).toEqual(["h1"]);
  });

  it.each([
    ["its node is passing", [aNode("h1", "passing")]],
    ["another's node is critical", [aNode("h1", "passing"), aNode("h2", "critical")]],
    ["Consul does not know it", []],
    ["Consul does not answer", null],
  ])("is waited for when %s", async (_name, nodes) => {
    const { given, mirror } = overdue("h1");
    await notice(mirror, nodes);
    expect(given).toEqual([]);
  });

  it("is what Consul is asked about, and nobody else", async () => {
    expect(await notice({ ...overdue("h1").mirror, isOverdue: () => false }, [aNode("h1", "critical")])).toEqual([]);
  });
});
