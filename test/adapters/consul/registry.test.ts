import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectConsul, defaultLimits } from "../../../src/adapters/consul/connection.ts";
import { registrations, nodeHealth, nodeServices, notPassing } from "../../../src/adapters/consul/registrations.ts";
import { realClock } from "../../../src/adapters/clock.ts";
import { consulRegistry } from "../../../src/adapters/consul/registry.ts";
import type { Registry } from "../../../src/ports/registry.ts";
import { RegistryError } from "../../../src/ports/registry.ts";
import { aRegistration, ttlHealth } from "../contracts/registry.ts";
import { anAgent, anAgentThatSays, wellHeaders, type Agent } from "./support.ts";
import { property } from "../../support/property.ts";

function registryOf(agent: Agent): Registry {
  const connection = connectConsul(
    { url: agent.url, token: null, datacenter: null, tls: null },
    { ...defaultLimits, timeoutMs: 500 },
  );
  onTestFinished(() => connection.close());
  return consulRegistry({ connection, agents: { h1: connection }, clock: realClock() });
}

function anEntry() {
  return {
    Node: { Node: "n1", Address: "192.0.2.1" },
    Service: {
      ID: "web.1",
      Service: "web",
      Address: "",
      Port: 8080,
      Tags: null as unknown,
      Meta: null as unknown,
      ModifyIndex: 12,
    },
    Checks: [
      { Node: "n1", CheckID: "serfHealth", Status: "passing", Output: "", ServiceID: "", ServiceName: "" },
      { Node: "n1", CheckID: "service:web.1", Status: "passing", Output: "", ServiceID: "web.1", ServiceName: "web" },
    ] as { Node: string; CheckID: string; Status: string; Output: string; ServiceID: string; ServiceName: string }[],
  };
}

const fresh = { consistency: "consistent" } as const;

describe("registrations as Consul lists them", () => {
  it("fall back to the node's address, and take empty lists for none", () => {
    expect(registrations([anEntry()])).toEqual([
      {
        id: "web.1",
        name: "web",
        node: "n1",
        nodeStatus: "passing",
        address: "192.0.2.1",
        port: 8080,
        tags: [],
        meta: {},
        status: "passing",
        inMaintenance: false,
        output: "",
        modifyIndex: 12,
      },
    ]);
  });

  it("have the status of their worst own check, and what it said in one short plain line", () => {
    const entry = anEntry();
    const own = { Node: "n1", ServiceID: "web.1", ServiceName: "web" };
    entry.Checks.push({ ...own, CheckID: "a", Status: "warning", Output: "slow" });
    entry.Checks.push({
      ...own,
      CheckID: "b",
      Status: "critical",
      Output: `\u001b[31mdead\r\n\u0000 ${"x".repeat(5_000)}`,
    });
    const [one] = registrations([entry]);
    expect(one).toMatchObject({ status: "critical", nodeStatus: "passing" });
    expect(one!.output).toMatch(/^\[31mdead x+…$/);
    expect(one!.output).toHaveLength(200);
  });

  it("keep the node's own checks apart, and know both kinds of maintenance", () => {
    const entry = anEntry();
    entry.Checks.push({
      Node: "n1",
      CheckID: "_node_maintenance",
      Status: "critical",
      Output: "",
      ServiceID: "",
      ServiceName: "",
    });
    expect(registrations([entry])[0]).toMatchObject({ status: "passing", nodeStatus: "critical", inMaintenance: true });
    const other = anEntry();
    other.Checks.push({
      Node: "n1",
      CheckID: "_service_maintenance:web.1",
      Status: "critical",
      Output: "why",
      ServiceID: "web.1",
      ServiceName: "web",
    });
    expect(registrations([other])[0]).toMatchObject({
      status: "critical",
      nodeStatus: "passing",
      inMaintenance: true,
      output: "why",
    });
  });

  it("keep meta keys that mean something to JavaScript", () => {
    const entry = JSON.parse(
      JSON.stringify(anEntry()).replace('"Meta":null', '"Meta":{"__proto__":"a","constructor":"b"}'),
    ) as unknown;
    const [one] = registrations([entry]);
    expect(Object.entries(one!.meta)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(Object.getPrototypeOf(one!.meta)).toBe(Object.prototype);
  });

  it("are refused as a whole, naming the place, when one of them is not understood", () => {
    const spoil = (change: (entry: ReturnType<typeof anEntry>) => void) => () => {
      const entry = anEntry();
      change(entry);
      registrations([anEntry(), entry]);
    };
    const odd = (message: string) => new RegistryError("unclear", `Consul's answer is not understood: ${message}`);
    expect(spoil((entry) => delete (entry.Service as { ID?: string }).ID)).toThrow(
      odd("services[1].Service.ID should be a text that is not empty, not missing"),
    );
    expect(spoil((entry) => ((entry.Service as { Port: unknown }).Port = "8080"))).toThrow(
      odd("services[1].Service.Port should be a whole number, not the string 8080"),
    );
    expect(spoil((entry) => (entry.Service.Port = 1.5))).toThrow(
      odd("services[1].Service.Port should be a whole number, not the number 1.5"),
    );
    expect(spoil((entry) => (entry.Service.Tags = { a: 1 }))).toThrow(
      odd("services[1].Service.Tags should be a list, not an object"),
    );
    expect(spoil((entry) => (entry.Service.Tags = ["a", 5]))).toThrow(
      odd("services[1].Service.Tags[1] should be a text, not the number 5"),
    );
    expect(spoil((entry) => (entry.Service.Meta = { a: [] }))).toThrow(
      odd("services[1].Service.Meta.a should be a text, not a list"),
    );
    expect(spoil((entry) => (entry.Checks[1]!.Status = "fine"))).toThrow(odd("services[1].Checks[1].Status is fine"));
    expect(spoil((entry) => ((entry as { Node: unknown }).Node = null))).toThrow(
      odd("services[1].Node should be an object, not null"),
    );
    expect(() => registrations({ "0": anEntry() })).toThrow(odd("services should be a list, not an object"));
  });

  property([fc.jsonValue(), fc.constantFrom("Node", "Service", "Checks")])(
    "never bring anything but themselves or an error, whatever stands in a field",
    (value, field) => {
      for (const read of [registrations, notPassing, nodeServices, (answer: unknown) => nodeHealth(answer, answer)]) {
        for (const answer of [value, [value], [{ ...anEntry(), [field]: value }], { Services: value }]) {
          try {
            expect(Array.isArray(read(answer))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(RegistryError);
            expect((error as RegistryError).kind).toBe("unclear");
          }
        }
      }
    },
  );
});

describe("a read of Consul", () => {
  const refused = async (status: number, body: string) => {
    const agent = await anAgentThatSays(body, status);
    return registryOf(agent)
      .readService("web", fresh)
      .then(
        () => null,
        (error: RegistryError) => error.kind,
      );
  };

  it("names its failure by what can be done about it", async () => {
    expect(await refused(403, "Permission denied")).toBe("denied");
    expect(await refused(403, "ACL not found")).toBe("denied");
    expect(await refused(500, "rpc error making call: Permission denied")).toBe("denied");
    expect(await refused(500, "No cluster leader")).toBe("no-leader");
    expect(await refused(500, "rpc error making call: No cluster leader")).toBe("no-leader");
    expect(await refused(500, "No known Consul servers")).toBe("no-leader");
    expect(await refused(500, "rpc error making call: EOF")).toBe("unclear");
    expect(await refused(400, "Invalid index")).toBe("refused");
    expect(await refused(404, "no such thing")).toBe("refused");
    expect(await refused(429, "too many connections")).toBe("unclear");
    expect(await refused(302, "")).toBe("unclear");
  });

  it("is unclear when the answer is no JSON, is empty, or does not carry an index", async () => {
    expect(await refused(200, "<html>")).toBe("unclear");
    expect(await refused(200, "")).toBe("unclear");
    expect(await refused(200, '[{"Node":')).toBe("unclear");
    const agent = await anAgentThatSays([], 200, { "content-type": "application/json" });
    await expect(registryOf(agent).readService("web", fresh)).rejects.toMatchObject({
      kind: "unclear",
      message: "services named web: Consul's answer carries no usable index",
    });
  });

  it("hands on what the answer says of itself", async () => {
    const headers = {
      ...wellHeaders,
      "x-consul-knownleader": "false",
      "x-consul-lastcontact": "4500",
      "x-consul-results-filtered-by-acls": "true",
    };
    const agent = await anAgentThatSays([anEntry()], 200, headers);
    expect(await registryOf(agent).readService("web", { consistency: "stale" })).toMatchObject({
      index: 7,
      knownLeader: false,
      lastContactMs: 4_500,
      filtered: true,
    });
    expect(agent.requests[0]!.url).toBe("/v1/health/service/web?stale=1");
  });

  it("blocks only from an index that can be blocked on, and waits for the answer as long as Consul may take", async () => {
    const agent = await anAgent((request, response) => {
      // Held back for longer than the time-out of other requests, within wait + a sixteenth.
      const held = request.url!.includes("index=5") ? 1_030 : 0;
      setTimeout(() => response.writeHead(200, wellHeaders).end("[]"), held);
    });
    const registry = registryOf(agent);
    await registry.readNotPassing("critical", { consistency: "default", index: 5, waitMs: 1_000 });
    await registry.readNotPassing("critical", { consistency: "default", index: 0, waitMs: 1_000 });
    expect(agent.requests.map(({ url }) => url)).toEqual([
      "/v1/health/state/critical?index=5&wait=1000ms",
      "/v1/health/state/critical",
    ]);
  });

  it("asks whether an empty answer is empty or forbidden, for versions that do not say", async () => {
    const allow = async (status: number, body: unknown) => {
      const agent = await anAgent((request, response) => {
        if (request.url === "/v1/internal/acl/authorize") response.writeHead(status).end(JSON.stringify(body));
        else response.writeHead(200, wellHeaders).end("[]");
      });
      const { filtered } = await registryOf(agent).readService("web", fresh);
      expect(JSON.parse(agent.requests[1]!.body)).toEqual([{ Resource: "service", Access: "read", Segment: "web" }]);
      return filtered;
    };
    expect(await allow(200, [{ Resource: "service", Access: "read", Segment: "web", Allow: true }])).toBe(false);
    expect(await allow(200, [{ Resource: "service", Access: "read", Segment: "web", Allow: false }])).toBe(true);
    expect(await allow(403, "ACL not found")).toBe(true);
    expect(await allow(401, "ACL support disabled")).toBe(false);
    expect(await allow(404, "")).toBe(false);
  });
});

describe("a registration with an agent", () => {
  const sent = async (changes: Parameters<typeof aRegistration>[2]) => {
    const agent = await anAgentThatSays("");
    await registryOf(agent).register("h1", aRegistration("web", 1, changes));
    expect(agent.requests[0]!.url).toBe("/v1/agent/service/register?replace-existing-checks=true");
    return JSON.parse(agent.requests[0]!.body) as Record<string, unknown>;
  };

  it("sends what the client library would drop", async () => {
    expect(await sent({ tagOverride: true })).toMatchObject({
      EnableTagOverride: true,
      Weights: { Passing: 1, Warning: 1 },
    });
    expect(await sent({ tagOverride: false })).toMatchObject({ EnableTagOverride: false });
  });

  it("describes each kind of check by the registration's own address and port", async () => {
    const http = {
      ...ttlHealth,
      probe: { kind: "http" as const, path: "/health?x=1" },
      intervalMs: 2_500,
      timeoutMs: 750,
    };
    expect(await sent({ health: http, initialStatus: "critical" })).toMatchObject({
      Check: {
        CheckID: "service:web.1",
        HTTP: "http://192.0.2.7:8001/health?x=1",
        Interval: "2500ms",
        Timeout: "750ms",
        Status: "critical",
      },
    });
    const tcp = { ...ttlHealth, probe: { kind: "tcp" as const }, deregisterAfterMs: 90_000 };
    expect(await sent({ health: tcp, address: "2001:db8::7" })).toMatchObject({
      Check: { TCP: "[2001:db8::7]:8001", DeregisterCriticalServiceAfter: "90000ms" },
    });
    const ttl = await sent({ health: { ...ttlHealth, probe: { kind: "ttl", ttlMs: 30_000 } } });
    expect(ttl["Check"]).toEqual({
      CheckID: "service:web.1",
      Name: "health of web.1",
      TTL: "30000ms",
      Status: "passing",
    });
    expect(await sent({ health: null })).not.toHaveProperty("Check");
  });

  it("does not ask Consul to remove a registration sooner than Consul can", async () => {
    expect(await sent({ health: { ...ttlHealth, deregisterAfterMs: 5_000 } })).toMatchObject({
      Check: { DeregisterCriticalServiceAfter: "60000ms" },
    });
  });
});

describe("the agents of several hosts", () => {
  const selfOf = (name: string) => ({ Config: { NodeName: name } });
  const connectionTo = (url: string) => {
    const connection = connectConsul(
      { url, token: null, datacenter: null, tls: null },
      { ...defaultLimits, timeoutMs: 300 },
    );
    onTestFinished(() => connection.close());
    return connection;
  };

  it("are asked for their names once, and changed registrations go to the one that owns them", async () => {
    const [first, second] = [await anAgentThatSays(selfOf("n1")), await anAgentThatSays(selfOf("n2"))];
    const [one, two] = [connectionTo(first.url), connectionTo(second.url)];
    const registry = consulRegistry({ connection: one, agents: { h1: one, h2: two, h3: two }, clock: realClock() });
    expect(await Promise.all(["h1", "h2", "h3", "h2"].map(registry.nodeOf))).toEqual(["n1", "n2", "n2", "n2"]);
    await registry.deregister("n2", "web.2");
    await registry.deregister("n2", "web.3");
    expect(first.requests.map(({ url }) => url)).toEqual(["/v1/agent/self"]);
    expect(second.requests.map(({ url }) => url)).toEqual([
      "/v1/agent/self",
      "/v1/agent/service/deregister/web.2",
      "/v1/agent/service/deregister/web.3",
    ]);
  });

  it("do not pass a silent agent's registrations for nobody's", async () => {
    const well = await anAgentThatSays(selfOf("n1"));
    const registry = consulRegistry({
      connection: connectionTo(well.url),
      agents: { h1: connectionTo(well.url), h2: connectionTo("http://127.0.0.1:1") },
      clock: realClock(),
    });
    await expect(registry.deregister("n2", "web.2")).rejects.toMatchObject({ kind: "unreachable" });
    await expect(registry.deregister("n1", "web.1")).resolves.toBeUndefined();
  });

  it("are asked again when one was set up anew under another name", async () => {
    let name = "n1";
    const agent = await anAgent(
      (_request, response) => void response.writeHead(200, wellHeaders).end(JSON.stringify(selfOf(name))),
    );
    const connection = connectionTo(agent.url);
    const registry = consulRegistry({ connection, agents: { h1: connection }, clock: realClock() });
    await registry.deregister("n1", "web.1");
    name = "n9";
    await registry.deregister("n9", "web.1");
    await expect(registry.deregister("n1", "web.1")).rejects.toMatchObject({ kind: "refused" });
  });
});
