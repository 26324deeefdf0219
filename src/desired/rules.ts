import { posix } from "node:path";
import type { Finding, JsonPath } from "../json/finding.ts";
import { finding } from "../json/finding.ts";
import { closest } from "../model/closest.ts";
import type { Policy } from "../model/policy.ts";
import { isAllowed, isWithin } from "./policy.ts";
import type { ServiceFile } from "./schema.ts";

/** What the settings say that a service is held against. `Settings` is one of these. */
export interface ServiceContext {
  /** By name; the values do not matter here. */
  readonly hosts: Readonly<Record<string, unknown>>;
  readonly alerts: { readonly routes: Readonly<Record<string, unknown>> };
  readonly policy: Policy;
  /** Absolute. */
  readonly baseDirectory: string;
}

/** What no schema can say of one service: rules across fields and against the settings. Paths begin at the service. */
export function checkService(service: ServiceFile, context: ServiceContext): readonly Finding[] {
  return [
    ...runtimeRules(service),
    ...healthRules(service),
    ...portRules(service),
    ...placementRules(service, context),
    ...reservedNames(service),
    ...redisRules(service),
    ...fileRules(service, context),
    ...routeRule(service, context),
  ];
}

function* runtimeRules({ runtime, container, adopt, count, healing }: ServiceFile): Generator<Finding> {
  if (runtime === "engine" && container === undefined) {
    yield finding(
      ["runtime"],
      'runtime "engine" creates containers, but there is no "container" to create',
      'a "container"',
    );
  }
  if (runtime === "compose" && container !== undefined) {
    yield finding(
      ["container"],
      "a Compose project creates its own containers",
      'no "container" with runtime "compose"',
    );
  }
  if (adopt !== undefined && container !== undefined) {
    yield finding(["adopt"], "a service with a container is created, not adopted", 'either "container" or "adopt"');
  }
  if ((healing?.maxUnavailable ?? 0) > count) {
    yield finding(["healing", "maxUnavailable"], `is more than "count", which is ${count}`, `at most ${count}`);
  }
}

function* healthRules({ health, container }: ServiceFile): Generator<Finding> {
  if (health === undefined) return;
  const probes = (["http", "tcp", "ttl"] as const).filter((probe) => health[probe] !== undefined);
  const expected = 'exactly one of "http", "tcp" and "ttl"';
  if (probes.length === 0) yield finding(["health"], "does not say what to check", expected);
  if (probes.length > 1) yield finding(["health", probes[1] ?? ""], `stands beside "${probes[0]}"`, expected);
  if (health.ttl !== undefined) return;
  const ports = (container?.ports ?? []).filter(({ protocol }) => protocol !== "udp").map((port) => port.container);
  if (ports.length === 0 && health.port === undefined) {
    yield finding(["health"], 'there is no port to ask: "container.ports" names none', 'a "port"');
  }
  if (ports.length > 0 && health.port !== undefined && !ports.includes(health.port)) {
    yield finding(["health", "port"], `${health.port} is not among "container.ports"`, ports.map(String).join(" or "));
  }
}

function* portRules({ container }: ServiceFile): Generator<Finding> {
  const seen = new Set<string>();
  for (const [index, { host, hostIp, protocol }] of (container?.ports ?? []).entries()) {
    if (host === undefined) continue;
    const key = `${hostIp ?? ""} ${host} ${protocol ?? "tcp"}`;
    if (seen.has(key))
      yield finding(
        ["container", "ports", index, "host"],
        `host port ${host} is published twice`,
        "each host port once",
      );
    seen.add(key);
  }
  const networks = container?.networks ?? [];
  const alone = networks.findIndex((network) => /^(?:host|none|container:.*)$/.test(network));
  if (alone !== -1 && networks.length > 1) {
    yield finding(
      ["container", "networks", alone],
      `"${networks[alone]}" cannot be joined with others`,
      "it alone, or other networks",
    );
  }
}

function* placementRules(service: ServiceFile, { hosts }: ServiceContext): Generator<Finding> {
  const { placement, container, runtime, count } = service;
  const known = Object.keys(hosts);
  for (const [index, host] of (placement?.hosts ?? []).entries()) {
    if (!Object.hasOwn(hosts, host)) yield unknownName(["placement", "hosts", index], "host", host, known);
  }
  if (container === undefined || (runtime ?? "engine") !== "engine") return;
  const hostCount = placement?.hosts?.length ?? known.length;
  const maxPerHost = placement?.maxPerHost;
  const fixed = (container.ports ?? []).findIndex(({ host }) => host !== undefined);
  const fixedPath: JsonPath = ["container", "ports", fixed, "host"];
  if (fixed !== -1 && (maxPerHost ?? 1) > 1) {
    yield finding(
      fixedPath,
      `a fixed host port allows one instance per host, but "placement.maxPerHost" is ${maxPerHost}`,
      "no host port, or maxPerHost 1",
    );
  } else if (fixed !== -1 && count > hostCount) {
    yield finding(
      fixedPath,
      `a fixed host port allows one instance per host, but ${count} are wanted on ${hostCount}`,
      "no host port, or a smaller count",
    );
  } else if (maxPerHost !== undefined && count > hostCount * maxPerHost) {
    const fitting = hostCount * maxPerHost;
    yield finding(
      ["placement", "maxPerHost"],
      `${count} instances do not fit on ${hostCount} hosts with ${maxPerHost} each`,
      `a count of at most ${fitting}, or more room`,
    );
  }
}

function* reservedNames({ container, consul }: ServiceFile): Generator<Finding> {
  for (const label of Object.keys(container?.labels ?? {})) {
    if (/^(?:heal|com\.docker)\./.test(label)) yield taken(["container", "labels", label]);
  }
  for (const key of Object.keys(consul?.meta ?? {})) if (key.startsWith("heal-")) yield taken(["consul", "meta", key]);
}

function* redisRules({ redis, consul, container, count, placement }: ServiceFile): Generator<Finding> {
  if (redis === undefined) return;
  const { masterTag = "master", replicaTag = "slave", minReplicasToWrite = 0 } = redis;
  if (count < 1) yield finding(["count"], "a Redis service needs a master", "at least 1");
  if ((redis.authority === "sentinel") !== (redis.sentinel !== undefined)) {
    yield finding(
      ["redis"],
      "Sentinel is asked where it decides, and only there",
      '"authority": "sentinel" with a "sentinel" section, or neither',
    );
  }
  if (masterTag === replicaTag) yield finding(["redis"], "master and replicas have the same tag", "two different tags");
  if (consul?.tagOverride === false) {
    yield finding(["consul", "tagOverride"], "the tags of a Redis service change with the roles", "true, or nothing");
  }
  for (const [index, tag] of (consul?.tags ?? []).entries()) {
    if (tag === masterTag || tag === replicaTag)
      yield finding(["consul", "tags", index], `"${tag}" is the tag of a role, which heal sets`, "other tags");
  }
  if (minReplicasToWrite > 0 && minReplicasToWrite >= count) {
    yield finding(
      ["redis", "minReplicasToWrite"],
      `with a count of ${count} the master could never write`,
      `at most ${count - 1}`,
    );
  }
  if (count < 2 || placement?.maxPerHost === 1) return;
  for (const [index, volume] of (container?.volumes ?? []).entries()) {
    if (volume.endsWith(":ro") || volume.includes("{slot}")) continue;
    yield finding(
      ["container", "volumes", index],
      "two instances on one host would write to the same data",
      "{slot} in its name",
    );
  }
}

function* fileRules(service: ServiceFile, { baseDirectory, policy }: ServiceContext): Generator<Finding> {
  for (const [place, file] of [...environmentFiles(service), ...redisFiles(service)]) {
    const path = posix.resolve(baseDirectory, file);
    if (isWithin(path, posix.resolve(baseDirectory)) || isAllowed(`file:${path}`, policy)) continue;
    yield finding(
      place,
      `${path} lies outside of ${baseDirectory} and is not allowed`,
      `a file below it, or "file:${path}" in policy.allow`,
    );
  }
}

function* environmentFiles({ container }: ServiceFile): Generator<readonly [JsonPath, string]> {
  for (const [name, value] of Object.entries(container?.environment ?? {})) {
    if (typeof value !== "string" && value.file !== undefined) {
      yield [["container", "environment", name, "file"], value.file];
    }
  }
}

function* redisFiles({ redis }: ServiceFile): Generator<readonly [JsonPath, string]> {
  const { auth, tls } = redis ?? {};
  if (auth?.password.file !== undefined) yield [["redis", "auth", "password", "file"], auth.password.file];
  const replica = auth?.replica?.password.file;
  if (replica !== undefined) yield [["redis", "auth", "replica", "password", "file"], replica];
  for (const name of ["ca", "certificate", "key"] as const) {
    const file = tls?.[name];
    if (file !== undefined) yield [["redis", "tls", name], file];
  }
}

function* routeRule({ alerts }: ServiceFile, context: ServiceContext): Generator<Finding> {
  const route = alerts?.route;
  if (route === undefined || Object.hasOwn(context.alerts.routes, route)) return;
  yield unknownName(["alerts", "route"], "alert route", route, Object.keys(context.alerts.routes));
}

function unknownName(path: JsonPath, noun: string, name: string, known: readonly string[]): Finding {
  const meant = closest(name, known);
  const hint = meant === null ? "" : `: did you mean "${meant}"?`;
  return finding(path, `there is no ${noun} "${name}" in heal.json${hint}`, `one of ${known.slice(0, 20).join(", ")}`);
}

function taken(path: JsonPath): Finding {
  return {
    path,
    at: "key",
    message: `"${String(path.at(-1))}" is a name that is taken already`,
    expected: "another name",
  };
}
