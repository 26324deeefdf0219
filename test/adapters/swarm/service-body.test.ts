import { describe, expect, it } from "vitest";
import { serviceBody } from "../../../src/adapters/swarm/service-body.ts";
import type { ContainerTemplate, Placement } from "../../../src/model/service.ts";
import type { SwarmNode } from "../../../src/ports/swarm.ts";
import { aService } from "../../builders/service.ts";
import { aTemplate } from "../../builders/template.ts";

const nodes: SwarmNode[] = ["h1", "h2", "h3"].map((hostname) => ({
  id: `id-${hostname}`,
  hostname,
  address: "192.0.2.1",
  state: "ready",
  availability: "active",
}));

function body(changes: Partial<ContainerTemplate>, placement: Partial<Placement> = {}) {
  const template = aTemplate("web:1", { ports: [], ...changes });
  const service = aService("web", { container: template, placement: { hosts: null, maxPerHost: null, ...placement } });
  const creation = { name: "web", service, replicas: 3, environment: { A: "1" }, labels: { "heal.service": "web" } };
  return serviceBody(creation, template, nodes);
}

describe("a Swarm service's specification", () => {
  it("says everything that the template says and a Swarm can do", () => {
    const full = body({
      entrypoint: ["/bin/app"],
      command: ["serve"],
      user: "1000",
      stopSignal: "SIGINT",
      stopGraceMs: 1_500,
      labels: { team: "shop" },
      volumes: ["data-{slot}:/data", "/etc/localtime:/etc/localtime:ro"],
      networks: ["shop"],
      resources: { cpus: 0.5, memoryBytes: 1_024 },
      init: true,
      capabilitiesAdd: ["NET_ADMIN"],
    });
    expect(full).toEqual({
      Name: "web",
      Labels: { "heal.service": "web" },
      Mode: { Replicated: { Replicas: 3 } },
      TaskTemplate: {
        ContainerSpec: {
          Image: "web:1",
          Command: ["/bin/app"],
          Args: ["serve"],
          User: "1000",
          StopSignal: "SIGINT",
          StopGracePeriod: 1_500_000_000,
          CapabilityAdd: ["NET_ADMIN"],
          Env: ["A=1"],
          Labels: { team: "shop" },
          Mounts: [
            { Type: "volume", Source: "data-{{.Task.Slot}}", Target: "/data", ReadOnly: false },
            { Type: "bind", Source: "/etc/localtime", Target: "/etc/localtime", ReadOnly: true },
          ],
          Init: true,
        },
        Resources: { Limits: { NanoCPUs: 500_000_000, MemoryBytes: 1_024 } },
        RestartPolicy: { Condition: "any", Delay: 1_000_000_000 },
        Placement: { Constraints: [] },
        Networks: [{ Target: "shop" }],
      },
      EndpointSpec: { Mode: "dnsrr", Ports: [] },
    });
  });

  it("publishes a free port by each host, a numbered one through the mesh, and by the host where there is one task each", () => {
    const free = { container: 8000, host: null, hostIp: null, protocol: "tcp" } as const;
    const numbered = { ...free, host: 80 };
    expect(body({ ports: [free] }).EndpointSpec).toEqual({
      Mode: "dnsrr",
      Ports: [{ Protocol: "tcp", TargetPort: 8000, PublishMode: "host" }],
    });
    expect(body({ ports: [numbered] }).EndpointSpec).toEqual({
      Mode: "vip",
      Ports: [{ Protocol: "tcp", TargetPort: 8000, PublishedPort: 80, PublishMode: "ingress" }],
    });
    expect(body({ ports: [numbered] }, { maxPerHost: 1 }).EndpointSpec).toEqual({
      Mode: "dnsrr",
      Ports: [{ Protocol: "tcp", TargetPort: 8000, PublishedPort: 80, PublishMode: "host" }],
    });
  });

  it("places on one host by its name, and on several by leaving out the others", () => {
    const placement = (hosts: string[] | null, maxPerHost: number | null = null) =>
      body({}, { hosts, maxPerHost }).TaskTemplate.Placement;
    expect(placement(["h2"])).toEqual({ Constraints: ["node.hostname==h2"] });
    expect(placement(["h1", "h2"], 2)).toEqual({ Constraints: ["node.id!=id-h3"], MaxReplicas: 2 });
    expect(placement(null)).toEqual({ Constraints: [] });
  });

  it("is refused for hosts that are no nodes, and for what a Swarm does not offer", () => {
    expect(() => body({}, { hosts: ["h1", "h9"] })).toThrow(
      "web is placed on h9, which the Swarm has no node of that name for",
    );
    expect(() => body({ privileged: true, pid: "host" })).toThrow(
      "web asks for privileged, pid, which Swarm does not offer",
    );
  });
});
