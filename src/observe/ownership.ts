import type { Container } from "../model/instance.ts";
import { LABEL } from "../model/labels.ts";
import type { DesiredState, Service } from "../model/service.ts";
import type { ContainerFilter } from "../ports/engine.ts";

/** Under what a mirror files a container; services ask by the same key. */
export type OwnerKey = `service ${string}` | `compose ${string}` | `swarm ${string}`;

/** null for a container that concerns none of us. */
export function ownerKeyOf(container: Container): OwnerKey | null {
  if (container.service !== null && container.swarmServiceName === null) return `service ${container.service}`;
  if (container.swarmServiceName !== null) return `swarm ${container.swarmServiceName}`;
  if (container.compose !== null) return `compose ${container.compose.project}`;
  return null;
}

/** Every key under which containers of the service may be filed. */
export function keysOf(service: Service): readonly OwnerKey[] {
  return [
    `service ${service.name}`,
    ...(mayBeSwarm(service) ? [`swarm ${service.adopt.swarmService}` as const] : []),
    ...(mayBeCompose(service) ? [`compose ${service.adopt.composeProject}` as const] : []),
  ];
}

/** What the engines are asked to list: ours by label, and what the desired state adopts. */
export function filterFor(desired: DesiredState, service: Service | null): ContainerFilter {
  const services = service === null ? Object.values(desired.services) : [service];
  return {
    environment: desired.environment,
    service: service?.name ?? null,
    composeProjects: services.filter(mayBeCompose).map(({ adopt }) => adopt.composeProject),
    swarmServices: services.filter(mayBeSwarm).map(({ adopt }) => adopt.swarmService),
  };
}

/**
 * Whether an engine's event is about a container that a list with this filter would hold. Other environments' have the
 * same kinds of names, and nothing but their labels tells them apart.
 */
export function concerns(labels: Readonly<Record<string, string>>, filter: ContainerFilter): boolean {
  if (labels[LABEL.environment] === filter.environment) return true;
  return (
    filter.swarmServices.includes(labels["com.docker.swarm.service.name"] ?? "") ||
    filter.composeProjects.includes(labels["com.docker.compose.project"] ?? "")
  );
}

export function mayBeSwarm({ runtime, container }: Service): boolean {
  return runtime === "swarm" || (runtime === null && container === null);
}

export function mayBeCompose({ runtime, container }: Service): boolean {
  return runtime === "compose" || (runtime === null && container === null);
}
