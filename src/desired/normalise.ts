import { parseDuration } from "../model/duration.ts";
import type {
  ConsulTemplate,
  ContainerTemplate,
  DockerHealthcheck,
  EnvironmentValue,
  HealthCheck,
  Service,
} from "../model/service.ts";
import { parseSize } from "../model/size.ts";
import { contentHash } from "../json/canonical.ts";
import { serviceDefaults as defaults } from "./defaults.ts";
import type { ContainerFile } from "./container-schema.ts";
import { normaliseRedis } from "./normalise-redis.ts";
import type { HealthFile, ServiceFile } from "./schema.ts";

/**
 * Fills in what a validated service leaves out. Total: what has passed the schema cannot fail here. Paths of files stay
 * as written, so that the hashes are the same on every machine whatever directory `heal.json` lies in.
 */
export function normaliseService(name: string, file: ServiceFile): Service {
  const container = file.container === undefined ? null : normaliseContainer(file.container);
  const health = file.health === undefined ? null : normaliseHealth(file.health);
  const consul = normaliseConsul(name, file);
  const runtime = file.runtime ?? (container === null ? null : "engine");
  const fixedPort = runtime === "engine" && container !== null && container.ports.some(({ host }) => host !== null);
  return {
    name,
    count: file.count,
    runtime,
    adopt: {
      swarmService: file.adopt?.swarmService ?? name,
      composeProject: file.adopt?.composeProject ?? name,
      composeService: file.adopt?.composeService ?? null,
    },
    container,
    health,
    consul,
    placement: {
      hosts: file.placement?.hosts ?? null,
      maxPerHost: file.placement?.maxPerHost ?? (fixedPort ? 1 : null),
    },
    healing: {
      unhealthyAfterMs: ms(file.healing?.unhealthyAfter ?? defaults.unhealthyAfter),
      maxUnavailable: file.healing?.maxUnavailable ?? defaults.maxUnavailable,
      lostAfterMs: ms(file.healing?.lostAfter ?? defaults.lostAfter),
    },
    surplus: {
      action: file.surplus?.action ?? defaults.surplusAction,
      afterMs: ms(file.surplus?.after ?? defaults.surplusAfter),
    },
    alerts: { route: file.alerts?.route ?? null },
    redis: file.redis === undefined ? null : normaliseRedis(file.redis, file.count),
    specHash: container === null ? null : contentHash({ container, health, consul }),
  };
}

function normaliseContainer(file: ContainerFile): ContainerTemplate {
  const { cpus, memory } = file.resources ?? {};
  return {
    image: file.image,
    command: file.command ?? null,
    entrypoint: file.entrypoint ?? null,
    environment: Object.fromEntries(
      Object.entries(file.environment ?? {}).map(([name, value]) => [name, normaliseValue(value)]),
    ),
    ports: (file.ports ?? []).map((port) => ({
      container: port.container,
      host: port.host ?? null,
      hostIp: port.hostIp ?? null,
      protocol: port.protocol ?? "tcp",
    })),
    volumes: file.volumes ?? [],
    networks: file.networks ?? [],
    labels: file.labels ?? {},
    user: file.user ?? null,
    resources: { cpus: cpus ?? null, memoryBytes: memory === undefined ? null : bytes(memory) },
    healthcheck: file.healthcheck === undefined ? null : normaliseHealthcheck(file.healthcheck),
    stopSignal: file.stopSignal ?? null,
    stopGraceMs: ms(file.stopGrace ?? defaults.stopGrace),
    restart: file.restart ?? defaults.restart,
    init: file.init ?? false,
    privileged: file.privileged ?? false,
    pid: file.pid ?? null,
    ipc: file.ipc ?? null,
    capabilitiesAdd: file.capabilitiesAdd ?? [],
  };
}

function normaliseValue(value: NonNullable<ContainerFile["environment"]>[string]): EnvironmentValue {
  if (typeof value === "string") return { kind: "literal", value };
  if (value.consulKey !== undefined) return { kind: "consul-key", key: value.consulKey };
  if (value.file !== undefined) return { kind: "file", path: value.file };
  return { kind: "variable", name: value.env ?? "" };
}

/** The command in Docker's own words: text goes to the shell, a list is run as it is. */
function normaliseHealthcheck(file: NonNullable<ContainerFile["healthcheck"]>): DockerHealthcheck {
  return {
    command: typeof file.command === "string" ? ["CMD-SHELL", file.command] : ["CMD", ...file.command],
    intervalMs: ms(file.interval ?? defaults.healthcheckInterval),
    timeoutMs: ms(file.timeout ?? defaults.healthcheckTimeout),
    retries: file.retries ?? defaults.healthcheckRetries,
    startPeriodMs: ms(file.startPeriod ?? defaults.healthcheckStartPeriod),
  };
}

function normaliseHealth(file: HealthFile): HealthCheck {
  return {
    probe: probeOf(file),
    port: file.port ?? null,
    intervalMs: ms(file.interval ?? defaults.healthInterval),
    timeoutMs: ms(file.timeout ?? defaults.healthTimeout),
    startGraceMs: ms(file.startGrace ?? defaults.startGrace),
    deregisterAfterMs: file.deregisterAfter === undefined ? null : ms(file.deregisterAfter),
  };
}

function probeOf(file: HealthFile): HealthCheck["probe"] {
  if (file.http !== undefined) return { kind: "http", path: file.http };
  return file.ttl === undefined ? { kind: "tcp" } : { kind: "ttl", ttlMs: ms(file.ttl) };
}

/** Null only for an adopted service of which nothing says how it should appear. */
function normaliseConsul(name: string, file: ServiceFile): ConsulTemplate | null {
  const { container, health, consul, redis } = file;
  if ([container, health, consul, redis].every((section) => section === undefined)) return null;
  return {
    name: consul?.name ?? name,
    tags: consul?.tags ?? [],
    meta: consul?.meta ?? {},
    tagOverride: redis !== undefined || consul?.tagOverride === true,
  };
}

function ms(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}

function bytes(text: string): number {
  return parseSize(text) ?? Number.NaN;
}
