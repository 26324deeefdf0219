import type { SwarmNode, SwarmService, SwarmTask } from "../../ports/swarm.ts";
import { asNumber, asOptional, asRecord, asText, asTextMap, type Json, UnreadableAnswer } from "../answer.ts";

/** null for a job (a service that is meant to end): its count is not anybody's to keep up. */
export function parseService(value: unknown, field: string): SwarmService | null {
  const service = asRecord(value, field);
  const spec = asRecord(service["Spec"], `${field}.Spec`);
  const mode = asRecord(spec["Mode"], `${field}.Spec.Mode`);
  const common = {
    id: asText(service["ID"], `${field}.ID`),
    name: asText(spec["Name"], `${field}.Spec.Name`),
    version: versionOf(service, field),
    labels: asTextMap(spec["Labels"], `${field}.Spec.Labels`),
    updating: isUpdating(service["UpdateStatus"], `${field}.UpdateStatus`),
  };
  if (mode["Replicated"] !== undefined) {
    const replicated = asRecord(mode["Replicated"], `${field}.Spec.Mode.Replicated`);
    const replicas = asOptional(replicated["Replicas"], `${field}.Spec.Mode.Replicated.Replicas`, asNumber);
    return { ...common, mode: "replicated", replicas: replicas ?? 1 };
  }
  if (mode["Global"] !== undefined) return { ...common, mode: "global", replicas: 0 };
  if (mode["ReplicatedJob"] !== undefined || mode["GlobalJob"] !== undefined) return null;
  throw new UnreadableAnswer(`${field}.Spec.Mode is ${JSON.stringify(mode).slice(0, 60)}, which is no known mode`);
}

export function versionOf(service: Json, field: string): number {
  return asNumber(asRecord(service["Version"], `${field}.Version`)["Index"], `${field}.Version.Index`);
}

/** A paused update waits for a person and holds nothing up. */
function isUpdating(value: unknown, field: string): boolean {
  const state = asOptional(value, field, asRecord)?.["State"];
  return state === "updating" || state === "rollback_started";
}

/** A manager that has just begun calls nodes `unknown` until they report: that is not down. */
export function parseNode(value: unknown, field: string): SwarmNode {
  const node = asRecord(value, field);
  const spec = asRecord(node["Spec"], `${field}.Spec`);
  const status = asRecord(node["Status"], `${field}.Status`);
  const description = asRecord(node["Description"], `${field}.Description`);
  const state = asText(status["State"], `${field}.Status.State`);
  const availability = asText(spec["Availability"], `${field}.Spec.Availability`);
  if (availability !== "active" && availability !== "pause" && availability !== "drain") {
    throw new UnreadableAnswer(`${field}.Spec.Availability is "${availability}"`);
  }
  return {
    id: asText(node["ID"], `${field}.ID`),
    hostname: asText(description["Hostname"], `${field}.Description.Hostname`),
    address: asOptional(status["Addr"], `${field}.Status.Addr`, asText) ?? "",
    state: state === "down" || state === "disconnected" ? "down" : "ready",
    availability,
  };
}

export function parseTask(value: unknown, field: string): SwarmTask {
  const task = asRecord(value, field);
  const status = asRecord(task["Status"], `${field}.Status`);
  const container = asOptional(status["ContainerStatus"], `${field}.Status.ContainerStatus`, asRecord);
  return {
    id: asText(task["ID"], `${field}.ID`),
    nodeId: asOptional(task["NodeID"], `${field}.NodeID`, asText) || null,
    state: asText(status["State"], `${field}.Status.State`),
    desiredState: asText(task["DesiredState"], `${field}.DesiredState`),
    containerId: asOptional(container?.["ContainerID"], `${field}.Status.ContainerStatus.ContainerID`, asText) || null,
  };
}
