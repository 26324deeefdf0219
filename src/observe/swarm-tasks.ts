import type { Container } from "../model/instance.ts";
import type { HostMirror } from "./host-mirror.ts";
import type { SwarmView } from "./swarm-mirror.ts";

/**
 * The containers behind a Swarm service's tasks: as their own engine lists them where it is one of ours, and as the
 * managers tell of them elsewhere.
 */
export function taskContainers(
  { service, tasks }: SwarmView,
  mirrored: readonly Container[],
  hosts: readonly HostMirror[],
): readonly Container[] {
  const listed = mirrored.filter((container) => container.swarmServiceName === service.name);
  const hostOfNode = new Map(
    hosts.flatMap((host) => {
      const id = host.swarmNodeId();
      return id === null ? [] : [[id, host.host] as const];
    }),
  );
  const elsewhere = tasks
    .filter((task) => task.state === "running" && task.desiredState === "running" && task.containerId !== null)
    .filter((task) => task.nodeId === null || !hostOfNode.has(task.nodeId))
    .map((task): Container => ({
      id: task.containerId ?? task.id,
      name: `${service.name}.${task.id}`,
      host: task.nodeId ?? "unknown",
      service: null,
      slot: null,
      generation: null,
      specHash: null,
      state: "running",
      health: "none",
      exitCode: null,
      createdAtMs: 0,
      startedAtMs: 0,
      finishedAtMs: null,
      restartsItself: false,
      address: null,
      ports: [],
      compose: null,
      swarmTaskId: task.id,
      swarmServiceName: service.name,
    }));
  return [...listed, ...elsewhere];
}
