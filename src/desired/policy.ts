import { posix } from "node:path";
import type { Policy } from "../model/policy.ts";
import type { ContainerTemplate, Service } from "../model/service.ts";

/** A power over its host that a service asks for and `heal.json` does not allow. */
export interface PolicyBreach {
  /** Where it is asked for, from the service on: `["container", "volumes", 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What `policy.allow` would have to name. */
  readonly allow: string;
}

/**
 * Everything in a service that gives its containers a power over their host and is not allowed by name. Part of
 * loading, and cheap enough to be asked once more right before a container is created.
 */
export function checkPolicy(service: Service, policy: Policy): readonly PolicyBreach[] {
  if (service.container === null) return [];
  return [...powersOf(service.container)].filter(({ allow }) => !isAllowed(allow, policy));
}

/** Whether one power is allowed: by its name, or for paths by a directory that holds it. */
export function isAllowed(power: string, policy: Policy): boolean {
  const [kind, path] = splitPower(power);
  return policy.allow.some((allowed) => {
    const [allowedKind, allowedPath] = splitPower(allowed);
    if (path === null || allowedPath === null) return power === allowed;
    return kind === allowedKind && isWithin(path, realName(allowedPath));
  });
}

function* powersOf(container: ContainerTemplate): Generator<PolicyBreach> {
  const breach = (path: PolicyBreach["path"], asked: string, allow: string): PolicyBreach => ({
    path: ["container", ...path],
    message: `${asked} gives power over the host and is not allowed`,
    allow,
  });
  if (container.privileged) yield breach(["privileged"], '"privileged"', "privileged");
  for (const [index, network] of container.networks.entries()) {
    const sharing = namespacePower(network, "network");
    if (sharing !== null) yield breach(["networks", index], `the network of ${sharing.of}`, sharing.allow);
  }
  for (const key of ["pid", "ipc"] as const) {
    const sharing = namespacePower(container[key] ?? "", key);
    if (sharing !== null) yield breach([key], `the ${key} namespace of ${sharing.of}`, sharing.allow);
  }
  for (const [index, capability] of container.capabilitiesAdd.entries()) {
    const name = capability.toUpperCase().replace(/^CAP_/, "");
    yield breach(["capabilitiesAdd", index], `the capability ${name}`, `cap:${name}`);
  }
  for (const [index, volume] of container.volumes.entries()) {
    const allow = mountPower(volume);
    if (allow !== null) yield breach(["volumes", index], `mounting ${volume.split(":")[0] ?? ""}`, allow);
  }
  for (const [name, value] of Object.entries(container.environment)) {
    if (value.kind !== "variable" || !ownCredentials.has(value.name)) continue;
    yield breach(["environment", name], `heal's own ${value.name}`, `variable:${value.name}`);
  }
}

function namespacePower(
  mode: string,
  kind: "network" | "pid" | "ipc",
): { readonly of: string; readonly allow: string } | null {
  if (mode === "host") return { of: "the host", allow: `host-${kind}` };
  return mode.startsWith("container:") ? { of: "another container", allow: `container-${kind}` } : null;
}

/** The power that a volume gives, or null for named volumes, harmless files and directories of no importance. */
function mountPower(volume: string): string | null {
  const [source = "", , mode] = volume.split(":");
  if (!source.startsWith("/")) return null;
  const path = realName(source);
  if (/^(?:docker|containerd|podman)\.sock$/.test(posix.basename(path))) return "docker-socket";
  if (mode === "ro" && harmlessToRead.some((harmless) => isWithin(path, harmless))) return null;
  return powerful.some((place) => isWithin(path, place) || isWithin(place, path)) ? `mount:${path}` : null;
}

const powerful = (
  "/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /root /run /sbin /sys /usr " +
  "/var/lib/docker /var/lib/containerd /var/lib/consul /opt/consul /var/spool/cron"
).split(" ");

const harmlessToRead = (
  "/etc/localtime /etc/timezone /etc/hosts /etc/resolv.conf /etc/ssl/certs /etc/ca-certificates /etc/pki/ca-trust " +
  "/usr/share/zoneinfo /usr/share/ca-certificates /usr/local/share/ca-certificates"
).split(" ");

const ownCredentials: ReadonlySet<string> = new Set(["CONSUL_HTTP_TOKEN", "CONSUL_HTTP_AUTH"]);

/** The one spelling of an absolute path, with the links that every Linux has followed. */
function realName(path: string): string {
  const normal = posix.normalize(`/${path}`).replace(/^\/+/, "/");
  const followed = normal.replace(/^\/var\/run(?=\/|$)/, "/run").replace(/^\/var\/lock(?=\/|$)/, "/run/lock");
  return followed.length > 1 ? followed.replace(/\/$/, "") : followed;
}

/** Whether a path is a directory or lies below it; both in their one spelling. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

function splitPower(power: string): readonly [kind: string, path: string | null] {
  const [, kind, path] = /^(mount|file):(\/.*)$/.exec(power) ?? [];
  return kind === undefined ? [power, null] : [kind, path ?? null];
}
