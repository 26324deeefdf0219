import { describe, expect, it } from "vitest";
import { contentOf } from "../../../src/adapters/consul/read-all.ts";

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
