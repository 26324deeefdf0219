import type { Container, ContainerState, DockerHealth, PublishedPort } from "../../model/instance.ts";
import { LABEL } from "../../model/labels.ts";
import type { Share } from "../shared-texts.ts";
import { asItIs } from "../shared-texts.ts";
import type { EngineClock } from "./engine-clock.ts";
import {
  asInstantMs,
  asList,
  asNumber,
  asOptional,
  asRecord,
  asText,
  asTextMap,
  type Json,
  UnreadableAnswer,
} from "../answer.ts";

export const COMPOSE_LABEL = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  oneOff: "com.docker.compose.oneoff",
  workingDirectory: "com.docker.compose.project.working_dir",
  configFiles: "com.docker.compose.project.config_files",
} as const;

export const SWARM_LABEL = {
  taskId: "com.docker.swarm.task.id",
  serviceName: "com.docker.swarm.service.name",
} as const;

/** One entry of a list answer: all that it says of a container, which leaves out when it started and ended. */
export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** `Up 5 minutes (healthy)`, `Exited (137) 2 hours ago`. */
  readonly statusText: string;
  readonly address: string | null;
  readonly ports: readonly PublishedPort[];
}

export function parseListed(value: unknown, field: string): ListedContainer {
  const entry = asRecord(value, field);
  const id = asId(entry["Id"], `${field}.Id`);
  const names = asList(entry["Names"] ?? [], `${field}.Names`).map((name, index) =>
    asText(name, `${field}.Names[${index}]`),
  );
  const networkMode = asRecord(entry["HostConfig"] ?? {}, `${field}.HostConfig`)["NetworkMode"];
  return {
    id,
    // Further names with a second slash are legacy links of other containers.
    name: names.find((name) => name.lastIndexOf("/") === 0)?.slice(1) ?? id.slice(0, 12),
    labels: asTextMap(entry["Labels"], `${field}.Labels`),
    state: asState(entry["State"], `${field}.State`),
    statusText: asText(entry["Status"], `${field}.Status`),
    address: addressOf(entry["NetworkSettings"], networkMode, `${field}.NetworkSettings`),
    ports: listedPorts(entry["Ports"], `${field}.Ports`),
  };
}

/** A container as its inspection describes it, with times on our clock. `share`: for texts that many have in common. */
export function parseInspected(value: unknown, host: string, clock: EngineClock, share: Share = asItIs): Container {
  const answer = asRecord(value, "container");
  const state = asRecord(answer["State"], "State");
  const config = asRecord(answer["Config"], "Config");
  const hostConfig = asRecord(answer["HostConfig"], "HostConfig");
  const network = asRecord(answer["NetworkSettings"] ?? {}, "NetworkSettings");
  const restart = asRecord(hostConfig["RestartPolicy"] ?? {}, "HostConfig.RestartPolicy");
  const restartName = asOptional(restart["Name"], "HostConfig.RestartPolicy.Name", asText) ?? "";
  const status = asState(state["Status"], "State.Status");
  const shared = (text: string | undefined): string | null => (text === undefined ? null : share(text));
  const time = (name: string, from: Json = state) => {
    const atMs = asInstantMs(from[name], name);
    return atMs === null ? null : Math.round(clock.toOurs(atMs));
  };
  const labels = asTextMap(config["Labels"], "Config.Labels");
  // Written out field by field, since there are many of these: what is spread takes half as much memory again.
  return {
    id: asId(answer["Id"], "Id"),
    name: asText(answer["Name"], "Name").replace(/^\//, ""),
    host,
    service: shared(labels[LABEL.service]),
    slot: integer(labels[LABEL.slot]),
    generation: integer(labels[LABEL.generation]),
    specHash: shared(labels[LABEL.specHash]),
    compose: composeOf(labels),
    swarmTaskId: labels[SWARM_LABEL.taskId] ?? null,
    swarmServiceName: shared(labels[SWARM_LABEL.serviceName]),
    state: status,
    health: isAlive(status) ? inspectedHealth(state["Health"]) : "none",
    exitCode: hasEnded(status) ? asNumber(state["ExitCode"], "State.ExitCode") : null,
    createdAtMs: time("Created", answer) ?? 0,
    startedAtMs: time("StartedAt"),
    finishedAtMs: isAlive(status) ? null : time("FinishedAt"),
    restartsItself: restartName !== "" && restartName !== "no",
    address: addressOf(network, hostConfig["NetworkMode"], "NetworkSettings"),
    ports: inspectedPorts(network["Ports"], "NetworkSettings.Ports"),
  };
}

/** Whether its process exists; only then does Docker's own health check say anything. */
export function isAlive(state: ContainerState): boolean {
  return state === "running" || state === "paused";
}

export function hasEnded(state: ContainerState): boolean {
  return state === "exited" || state === "dead" || state === "restarting";
}

/** A one-off (`docker-compose run`) is no instance of its service. */
function composeOf(labels: Readonly<Record<string, string>>): Container["compose"] {
  const project = labels[COMPOSE_LABEL.project];
  const service = labels[COMPOSE_LABEL.service];
  if (project === undefined || service === undefined || labels[COMPOSE_LABEL.oneOff]?.toLowerCase() === "true")
    return null;
  return {
    project,
    service,
    number: integer(labels[COMPOSE_LABEL.number]) ?? 0,
    workingDirectory: labels[COMPOSE_LABEL.workingDirectory] ?? "",
    configFiles: labels[COMPOSE_LABEL.configFiles]?.split(",").filter((file) => file !== "") ?? [],
  };
}

function integer(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/** Ids go into paths of later requests, so nothing else may hide in one. */
function asId(value: unknown, field: string): string {
  const id = asText(value, field);
  if (/^[0-9a-f]{12,64}$/.test(id)) return id;
  throw new UnreadableAnswer(`${field} is ${JSON.stringify(id.slice(0, 80))} instead of a container id`);
}

const states: ReadonlySet<string> = new Set<ContainerState>([
  "created",
  "running",
  "paused",
  "restarting",
  "exited",
  "dead",
  "removing",
]);

function asState(value: unknown, field: string): ContainerState {
  const state = asText(value, field).toLowerCase();
  if (states.has(state)) return state as ContainerState;
  throw new UnreadableAnswer(`${field} is ${JSON.stringify(state.slice(0, 80))}, which is no state of a container`);
}

function inspectedHealth(value: unknown): DockerHealth {
  const status = asOptional(value, "State.Health", asRecord)?.["Status"];
  return status === "starting" || status === "healthy" || status === "unhealthy" ? status : "none";
}

/** Of several networks the one the container was created in, which is the first of its template. */
function addressOf(settings: unknown, networkMode: unknown, field: string): string | null {
  const networks = asRecord(asRecord(settings ?? {}, field)["Networks"] ?? {}, `${field}.Networks`);
  const first = networkMode === "default" ? "bridge" : networkMode;
  const names = Object.keys(networks).sort(
    (one, other) => Number(other === first) - Number(one === first) || compare(one, other),
  );
  for (const name of names) {
    const network = asRecord(networks[name] ?? {}, `${field}.Networks.${name}`);
    const address = asOptional(network["IPAddress"], `${field}.Networks.${name}.IPAddress`, asText);
    if (address !== null && address !== "") return address;
  }
  return null;
}

function listedPorts(value: unknown, field: string): PublishedPort[] {
  const ports = asList(value ?? [], field).map((item, index) => asRecord(item, `${field}[${index}]`));
  return sorted(
    ports
      .filter((port) => port["PublicPort"] !== undefined && port["PublicPort"] !== 0)
      .map((port, index) => ({
        container: asNumber(port["PrivatePort"], `${field}[${index}].PrivatePort`),
        host: asNumber(port["PublicPort"], `${field}[${index}].PublicPort`),
        hostIp: asOptional(port["IP"], `${field}[${index}].IP`, asText) ?? "",
        protocol: asText(port["Type"], `${field}[${index}].Type`),
      })),
  );
}

function inspectedPorts(value: unknown, field: string): PublishedPort[] {
  return sorted(
    Object.entries(asRecord(value ?? {}, field)).flatMap(([key, bindings]) => {
      const [container, protocol = "tcp"] = key.split("/");
      return asList(bindings ?? [], `${field}.${key}`).map((item) => {
        const binding = asRecord(item, `${field}.${key}`);
        return {
          container: asPort(container, `${field}.${key}`),
          host: asPort(binding["HostPort"], `${field}.${key}.HostPort`),
          hostIp: asOptional(binding["HostIp"], `${field}.${key}.HostIp`, asText) ?? "",
          protocol,
        };
      });
    }),
  );
}

function asPort(value: unknown, field: string): number {
  const port = integer(asText(value, field));
  if (port !== null && port <= 65_535) return port;
  throw new UnreadableAnswer(`${field} is ${JSON.stringify(value)} instead of a port`);
}

/** SCTP ports, which nothing here can check or register, are left out. */
function sorted(ports: readonly (Omit<PublishedPort, "protocol"> & { readonly protocol: string })[]): PublishedPort[] {
  return (
    ports
      .filter((port): port is PublishedPort => port.protocol === "tcp" || port.protocol === "udp")
      // A copy of just its length: a list that was filtered has room for sixteen more.
      .toSorted(
        (one, other) =>
          one.container - other.container || compare(one.protocol, other.protocol) || compare(one.hostIp, other.hostIp),
      )
  );
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
