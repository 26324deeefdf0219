import { describe, expect, it } from "vitest";
import { connectConsul, defaultLimits } from "../../../src/adapters/consul/connection.ts";
import { openLastAnswers } from "../../../src/adapters/consul/last-answers.ts";
import { contentOf, readAllServices, type NodeContent } from "../../../src/adapters/consul/read-all.ts";
import { anAgent, wellHeaders } from "./support.ts";

const Node = { Node: "h1-node", Address: "10.0.0.1" };
const service = (ID: string, Service: string, ModifyIndex: number) => ({
  ID,
  Service,
  Tags: [],
  Address: "",
  Meta: {},
  Port: 80,
  ModifyIndex,
});
const check = (CheckID: string, ServiceID: string, ServiceName: string, Status: string) => ({
  CheckID,
  ServiceID,
  ServiceName,
  Status,
  Node: "h1-node",
  Output: "",
  Notes: "",
});
const serf = check("serfHealth", "", "", "passing");

describe("what is on a node", () => {
  it("is put together with its checks, and with those of the node", () => {
    const { services, moved } = contentOf(
      [check("service:web.1", "web.1", "web", "critical"), check("serfHealth", "", "", "warning")],
      { Node, Services: { "web.1": service("web.1", "web", 5), "web.2": service("web.2", "web", 5) } },
      9,
    );
    expect(services.get("web")).toMatchObject([
      { id: "web.1", node: "h1-node", address: "10.0.0.1", status: "critical", nodeStatus: "warning" },
      { id: "web.2", status: "passing", nodeStatus: "warning" },
    ]);
    expect([...moved]).toEqual([]);
  });

  it("is not believed of a service that was registered after the checks were read: its own may be missing", () => {
    const { moved } = contentOf([serf], { Node, Services: { "web.1": service("web.1", "web", 10) } }, 9);
    expect([...moved]).toEqual(["web"]);
  });

  it("is not believed of a service whose checks were there and which is not registered any more", () => {
    const { moved } = contentOf([serf, check("service:web.1", "web.1", "web", "passing")], { Node, Services: {} }, 9);
    expect([...moved]).toEqual(["web"]);
  });

  it("is nothing where there is no such node", () => {
    expect(contentOf([], null, 9).services.size).toBe(0);
  });
});

describe("reading every service", () => {
  const answers: Readonly<Record<string, unknown>> = {
    "/v1/catalog/nodes": [{ Node: "h1-node" }, { Node: "h2-node" }],
    "/v1/health/node/h1-node": [serf, check("service:web.1", "web.1", "web", "passing")],
    "/v1/catalog/node/h1-node": { Node, Services: { "web.1": service("web.1", "web", 5) } },
    "/v1/health/node/h2-node": [serf, check("service:web.2", "web.2", "web", "critical")],
    "/v1/catalog/node/h2-node": {
      Node: { ...Node, Node: "h2-node" },
      Services: { "web.2": service("web.2", "web", 6), "api.1": service("api.1", "api", 99) },
    },
  };
  const read = async (nodesMax: number, headers: Readonly<Record<string, string>> = {}) => {
    const agent = await anAgent((request, response) => {
      const [path = ""] = (request.url ?? "").split("?");
      response.writeHead(200, { ...wellHeaders, ...headers }).end(JSON.stringify(answers[path]));
    });
    const connection = connectConsul({ url: agent.url, token: null, datacenter: null, tls: null }, defaultLimits);
    const all = await readAllServices(connection, openLastAnswers<NodeContent>(), nodesMax);
    connection.close();
    return { all, requests: agent.requests.length };
  };

  it("costs two requests for each node, and leaves out what was registered meanwhile", async () => {
    const { all, requests } = await read(2);
    expect(requests).toBe(5);
    expect([...(all?.value.keys() ?? [])]).toEqual(["web"]);
    expect(all?.value.get("web")).toMatchObject([
      { id: "web.1", node: "h1-node", status: "passing" },
      { id: "web.2", node: "h2-node", status: "critical" },
    ]);
    expect(all).toMatchObject({ index: 7, knownLeader: true, filtered: false });
  });

  it("is not done where there are more nodes than it is worth", async () => {
    expect(await read(1)).toEqual({ all: null, requests: 1 });
  });

  it("is not believed when the token may not see all of it: each service is asked about by itself then", async () => {
    expect((await read(2, { "x-consul-results-filtered-by-acls": "true" })).all).toBeNull();
  });
});
