import type { ContainerTemplate, PortTemplate } from "../../model/service.ts";
import type { Creation } from "../../ports/engine.ts";
import { environmentBody, healthcheckBody } from "../container-spec.ts";

/** The engine's `POST /containers/create` body for a creation. Networks beyond the first are connected afterwards. */
export function createBody({ template, environment, labels, slot }: Creation) {
  const network = template.networks[0] ?? "default";
  // Docker refuses or discards published ports where the network is not the container's own.
  const ports = isOwnNetwork(network) ? template.ports : [];
  return {
    Image: template.image,
    ...(template.command === null ? {} : { Cmd: [...template.command] }),
    ...(template.entrypoint === null ? {} : { Entrypoint: [...template.entrypoint] }),
    ...(template.user === null ? {} : { User: template.user }),
    ...(template.stopSignal === null ? {} : { StopSignal: template.stopSignal }),
    ...(template.healthcheck === null ? {} : { Healthcheck: healthcheckBody(template.healthcheck) }),
    StopTimeout: Math.ceil(template.stopGraceMs / 1_000),
    Env: environmentBody(environment),
    Labels: { ...template.labels, ...labels },
    ExposedPorts: Object.fromEntries(ports.map((port) => [portKey(port), {}])),
    HostConfig: {
      NetworkMode: network,
      PortBindings: portBindings(ports),
      Binds: template.volumes.map((volume) => volume.replaceAll("{slot}", String(slot))),
      RestartPolicy: { Name: template.restart },
      Init: template.init,
      Privileged: template.privileged,
      CapAdd: [...template.capabilitiesAdd],
      ...(template.pid === null ? {} : { PidMode: template.pid }),
      ...(template.ipc === null ? {} : { IpcMode: template.ipc }),
      ...resourceLimits(template.resources),
    },
  };
}

/** Networks to connect a container to between its creation and its start. */
export function furtherNetworks(template: ContainerTemplate): readonly string[] {
  return template.networks.slice(1);
}

function isOwnNetwork(network: string): boolean {
  return network !== "host" && network !== "none" && !network.startsWith("container:");
}

function portBindings(ports: readonly PortTemplate[]) {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    // An empty host port lets the engine pick a free one.
    (bindings[portKey(port)] ??= []).push({ HostIp: port.hostIp ?? "", HostPort: String(port.host ?? "") });
  }
  return bindings;
}

function portKey(port: PortTemplate): string {
  return `${port.container}/${port.protocol}`;
}

function resourceLimits({ cpus, memoryBytes }: ContainerTemplate["resources"]) {
  return {
    ...(cpus === null ? {} : { NanoCpus: Math.round(cpus * 1_000_000_000) }),
    ...(memoryBytes === null ? {} : { Memory: memoryBytes }),
  };
}
