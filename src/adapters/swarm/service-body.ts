import type { ContainerTemplate, PortTemplate } from "../../model/service.ts";
import { EngineError } from "../../ports/engine.ts";
import type { SwarmCreation, SwarmNode } from "../../ports/swarm.ts";
import { environmentBody, healthcheckBody, nanosecondsPerMs } from "../container-spec.ts";

/**
 * How long Swarm waits before it puts a new task in a failed one's place. Its default of 5 s is most of the time that
 * healing takes; with 0 an image that crashes at once would keep its engine busy with nothing else.
 */
const restartDelayMs = 1_000;

/**
 * The `POST /services/create` body. A port without a number is published by each task's own host on a free port;
 * one with a number through the routing mesh, or by the host itself where there is at most one task per host.
 * Throws `EngineError` `refused` for what cannot be had in a Swarm.
 */
export function serviceBody(
  { name, service, replicas, environment, labels }: SwarmCreation,
  template: ContainerTemplate,
  nodes: readonly SwarmNode[],
) {
  refuseUnsupported(name, template);
  const ports = template.ports.map((port) => portBody(port, service.placement.maxPerHost));
  const throughMesh = ports.some((port) => port.PublishMode === "ingress");
  return {
    Name: name,
    Labels: { ...labels },
    Mode: { Replicated: { Replicas: replicas } },
    TaskTemplate: {
      ContainerSpec: containerBody(template, environment),
      Resources: { Limits: limitsBody(template.resources) },
      RestartPolicy: { Condition: "any", Delay: restartDelayMs * nanosecondsPerMs },
      Placement: {
        Constraints: placementConstraints(name, service.placement.hosts, nodes),
        ...(service.placement.maxPerHost === null ? {} : { MaxReplicas: service.placement.maxPerHost }),
      },
      Networks: template.networks.map((network) => ({ Target: network })),
    },
    // Consul tells where the tasks are; without the mesh a virtual address would stand for nothing.
    EndpointSpec: { Mode: throughMesh ? "vip" : "dnsrr", Ports: ports },
  };
}

function refuseUnsupported(name: string, template: ContainerTemplate): void {
  const unsupported = [
    template.privileged ? "privileged" : null,
    template.pid === null ? null : "pid",
    template.ipc === null ? null : "ipc",
  ].filter((field) => field !== null);
  if (unsupported.length > 0) {
    throw new EngineError("refused", `${name} asks for ${unsupported.join(", ")}, which Swarm does not offer`);
  }
}

function containerBody(template: ContainerTemplate, environment: Readonly<Record<string, string>>) {
  return {
    Image: template.image,
    ...(template.entrypoint === null ? {} : { Command: [...template.entrypoint] }),
    ...(template.command === null ? {} : { Args: [...template.command] }),
    ...(template.user === null ? {} : { User: template.user }),
    ...(template.stopSignal === null ? {} : { StopSignal: template.stopSignal }),
    ...(template.capabilitiesAdd.length === 0 ? {} : { CapabilityAdd: [...template.capabilitiesAdd] }),
    ...(template.healthcheck === null ? {} : { Healthcheck: healthcheckBody(template.healthcheck) }),
    Env: environmentBody(environment),
    Labels: { ...template.labels },
    Mounts: template.volumes.map(mountBody),
    StopGracePeriod: template.stopGraceMs * nanosecondsPerMs,
    Init: template.init,
  };
}

/** Swarm numbers its tasks itself and fills the number in. */
function mountBody(volume: string) {
  const [source = "", target = "", ...options] = volume.replaceAll("{slot}", "{{.Task.Slot}}").split(":");
  return {
    Type: source.startsWith("/") ? "bind" : "volume",
    Source: source,
    Target: target,
    ReadOnly: options.includes("ro"),
  };
}

function limitsBody({ cpus, memoryBytes }: ContainerTemplate["resources"]) {
  return {
    ...(cpus === null ? {} : { NanoCPUs: Math.round(cpus * 1_000_000_000) }),
    ...(memoryBytes === null ? {} : { MemoryBytes: memoryBytes }),
  };
}

function portBody(port: PortTemplate, maxPerHost: number | null) {
  const byHost = port.host === null || maxPerHost === 1;
  return {
    Protocol: port.protocol,
    TargetPort: port.container,
    ...(port.host === null ? {} : { PublishedPort: port.host }),
    PublishMode: byHost ? "host" : "ingress",
  };
}

/**
 * Swarm joins constraints by "and", so several hosts are written as all others left out. A node that joins later is
 * therefore open to the service until it is created anew.
 */
function placementConstraints(name: string, hosts: readonly string[] | null, nodes: readonly SwarmNode[]): string[] {
  if (hosts === null) return [];
  const missing = hosts.filter((host) => !nodes.some((node) => node.hostname === host));
  if (missing.length > 0) {
    throw new EngineError(
      "refused",
      `${name} is placed on ${missing.join(", ")}, which the Swarm has no node of that name for`,
    );
  }
  if (hosts.length === 1) return [`node.hostname==${hosts[0]}`];
  return nodes.filter((node) => !hosts.includes(node.hostname)).map((node) => `node.id!=${node.id}`);
}
