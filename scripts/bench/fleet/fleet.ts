import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { diskFiles } from "../../../src/adapters/files/disk-files.ts";
import type { DesiredStateOptions } from "../../../src/desired/load-desired-state.ts";
import { loadDesiredStateFiles } from "../../../src/desired/load-desired-state.ts";
import type { DesiredState, Service } from "../../../src/model/service.ts";

export const ENVIRONMENT = "bench";
export const INSTANCES_EACH = 10;

/** So many services with ten instances each, all healthy, as JSON files desire them and as Docker and Consul tell them. */
export interface Fleet {
  readonly desired: DesiredState;
  readonly hosts: readonly string[];
  /** By host: what its engine answers to a list, and to an inspection of each container. */
  readonly listed: Readonly<Record<string, readonly ListedJson[]>>;
  /** By service: what Consul answers to `/v1/health/service/<name>`. */
  readonly health: Readonly<Record<string, readonly object[]>>;
}

export interface ListedJson {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Created: number;
  readonly [more: string]: unknown;
}

/** A host for every thousand containers. `wallMs`: when the containers were started, well past their grace. */
export async function aFleet(services: number, wallMs: number): Promise<Fleet> {
  const desired = await desiredState(services);
  const hosts = Array.from(
    { length: Math.max(1, Math.ceil((services * INSTANCES_EACH) / 1_000)) },
    (_, at) => `h${at}`,
  );
  const listed = Object.fromEntries(hosts.map((host): [string, ListedJson[]] => [host, []]));
  const health: Record<string, object[]> = {};
  let number = 0;
  for (const service of Object.values(desired.services)) {
    health[service.name] = [];
    for (let slot = 1; slot <= INSTANCES_EACH; slot += 1) {
      const host = hosts[number % hosts.length] ?? "h0";
      const port = 10_000 + (Math.floor(number / hosts.length) % 20_000);
      listed[host]?.push(listedJson(service, slot, number, port, wallMs));
      health[service.name]?.push(healthJson(service, slot, host, port, number));
      number += 1;
    }
  }
  return { desired, hosts, listed, health };
}

async function desiredState(services: number): Promise<DesiredState> {
  const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
  try {
    return await loadDesired(writeServices(services, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives the path of the file. */
export function writeServices(services: number, folder: string): string {
  const file = join(folder, "services.json");
  writeFileSync(file, JSON.stringify({ services: serviceFiles(services) }));
  return file;
}

/** Loaded as a user's files are: specifications get their true hashes. */
export async function loadDesired(file: string): Promise<DesiredState> {
  const options: DesiredStateOptions = {
    environment: ENVIRONMENT,
    desiredState: [dirname(file)],
    hosts: {},
    alerts: { routes: { default: {} } },
    policy: { allow: [] },
    baseDirectory: dirname(file),
  };
  const loaded = await loadDesiredStateFiles(diskFiles(), [file], options);
  if (loaded.kind === "invalid") throw new Error(loaded.problems[0]?.message ?? "invalid");
  return loaded.desired;
}

export function serviceFiles(services: number): Readonly<Record<string, object>> {
  const file = {
    count: INSTANCES_EACH,
    container: { image: "heal-demo/web:1", ports: [{ container: 8080 }], environment: { LOG_LEVEL: "info" } },
    health: { http: "/healthz", interval: "10s" },
    consul: { tags: ["web"] },
  };
  return Object.fromEntries(Array.from({ length: services }, (_, at) => [serviceName(at), file]));
}

export function serviceName(at: number): string {
  return `svc-${String(at).padStart(5, "0")}`;
}

/** What Consul calls the host. */
export function nodeOf(host: string): string {
  return `node-${host}`;
}

function containerId(number: number): string {
  return createHash("sha256").update(String(number)).digest("hex");
}

export function listedJson(service: Service, slot: number, number: number, port: number, wallMs: number): ListedJson {
  return {
    Id: containerId(number),
    Names: [`/heal.${ENVIRONMENT}.${service.name}.${slot}.1`],
    Image: "heal-demo/web:1",
    ImageID: `sha256:${containerId(0)}`,
    Command: "/bin/busybox httpd -f -p 8080",
    Created: Math.floor(wallMs / 1_000),
    Ports: [{ IP: "0.0.0.0", PrivatePort: 8080, PublicPort: port, Type: "tcp" }],
    Labels: {
      "heal.environment": ENVIRONMENT,
      "heal.service": service.name,
      "heal.slot": String(slot),
      "heal.generation": "1",
      "heal.spec-hash": service.specHash ?? "",
      "heal.sequencer": "session@1",
    },
    State: "running",
    Status: "Up 3 hours",
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: {
      Networks: { bridge: { IPAddress: `172.17.${(number >> 8) & 255}.${number & 255}`, NetworkID: "n" } },
    },
    Mounts: [],
  };
}

/** What an inspection adds that is used. */
export function inspectedJson(listed: ListedJson, startedMs: number): object {
  const started = new Date(startedMs).toISOString();
  const port = (listed["Ports"] as { PublicPort: number }[])[0]?.PublicPort ?? 0;
  return {
    Id: listed.Id,
    Name: listed.Names[0],
    Created: started,
    State: { Status: "running", Running: true, ExitCode: 0, StartedAt: started, FinishedAt: "0001-01-01T00:00:00Z" },
    Config: { Labels: listed.Labels, Image: "heal-demo/web:1" },
    HostConfig: { NetworkMode: "default", RestartPolicy: { Name: "no" } },
    NetworkSettings: {
      Ports: { "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: String(port) }] },
      Networks: (listed["NetworkSettings"] as { Networks: object }).Networks,
    },
  };
}

/** As an agent of Consul 1.8 answers, node and checks with all their fields. */
function healthJson(service: Service, slot: number, host: string, port: number, index: number): object {
  const id = `heal.${ENVIRONMENT}.${service.name}.${slot}`;
  const node = nodeOf(host);
  return {
    Node: {
      ID: `${containerId(index).slice(0, 8)}-0000-0000-0000-000000000000`,
      Node: node,
      Address: "10.0.0.1",
      Datacenter: "dc1",
      TaggedAddresses: { lan: "10.0.0.1", lan_ipv4: "10.0.0.1", wan: "10.0.0.1", wan_ipv4: "10.0.0.1" },
      Meta: { "consul-network-segment": "" },
      CreateIndex: 11,
      ModifyIndex: 13,
    },
    Service: {
      ID: id,
      Service: service.name,
      Tags: ["web"],
      Address: "10.0.0.1",
      TaggedAddresses: { lan_ipv4: { Address: "10.0.0.1", Port: port }, wan_ipv4: { Address: "10.0.0.1", Port: port } },
      Meta: {
        "heal-environment": ENVIRONMENT,
        "heal-service": service.name,
        "heal-slot": String(slot),
        "heal-container": `heal.${ENVIRONMENT}.${service.name}.${slot}.1`,
      },
      Port: port,
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
      Proxy: { MeshGateway: {}, Expose: {} },
      Connect: {},
      CreateIndex: 100 + index,
      ModifyIndex: 100 + index,
    },
    Checks: [
      aCheck(node, "serfHealth", "Serf Health Status", "Agent alive and reachable", "", "", ""),
      aCheck(
        node,
        `service:${id}`,
        `Service '${service.name}' check`,
        "HTTP GET http://10.0.0.1:8080/healthz: 200 OK Output: ok",
        id,
        service.name,
        "http",
      ),
    ],
  };
}

function aCheck(
  Node: string,
  CheckID: string,
  Name: string,
  Output: string,
  ServiceID: string,
  ServiceName: string,
  Type: string,
): object {
  const tags = ServiceName === "" ? [] : ["web"];
  return {
    Node,
    CheckID,
    Name,
    Status: "passing",
    Notes: "",
    Output,
    ServiceID,
    ServiceName,
    ServiceTags: tags,
    Type,
    Definition: {},
    CreateIndex: 11,
    ModifyIndex: 13,
  };
}
