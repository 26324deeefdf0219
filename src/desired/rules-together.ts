import type { Finding } from "../json/finding.ts";
import { finding } from "../json/finding.ts";
import type { ServiceFile } from "./schema.ts";

/** Rules that concern several services at once. Paths begin at the service's name. */
export function checkTogether(
  services: Readonly<Record<string, ServiceFile>>,
  hosts: Readonly<Record<string, unknown>>,
): readonly Finding[] {
  return [...ownNames(services), ...sharedHostPorts(services, Object.keys(hosts))];
}

/** With a second service under the same name in Consul, the tag of the master would be answered by two. */
function* ownNames(services: Readonly<Record<string, ServiceFile>>): Generator<Finding> {
  const users = new Map<string, string[]>();
  for (const [name, service] of Object.entries(services)) {
    const consulName = service.consul?.name ?? name;
    const others = users.get(consulName);
    if (others === undefined) users.set(consulName, [name]);
    else others.push(name);
  }
  for (const [consulName, names] of users) {
    const redis = names.find((name) => services[name]?.redis !== undefined);
    if (names.length < 2 || redis === undefined) continue;
    const others = names.filter((name) => name !== redis).join(", ");
    const path = services[redis]?.consul?.name === undefined ? [redis] : [redis, "consul", "name"];
    yield finding(path, `"${consulName}" is the Consul name of ${others} too`, "a name of its own for a Redis service");
  }
}

/** A fixed host port can be had once per host, by all services together. */
function* sharedHostPorts(
  services: Readonly<Record<string, ServiceFile>>,
  hosts: readonly string[],
): Generator<Finding> {
  const wanted = new Map<string, { readonly count: number; readonly hosts: ReadonlySet<string> }>();
  for (const [name, { container, count, placement, runtime }] of Object.entries(services)) {
    if ((runtime ?? "engine") !== "engine") continue;
    for (const [index, port] of (container?.ports ?? []).entries()) {
      if (port.host === undefined || port.hostIp !== undefined) continue;
      const key = `${port.host}/${port.protocol ?? "tcp"}`;
      const before = wanted.get(key);
      const total = (before?.count ?? 0) + count;
      const on = new Set([...(before?.hosts ?? []), ...(placement?.hosts ?? hosts)]);
      wanted.set(key, { count: total, hosts: on });
      if (before === undefined || total <= on.size) continue;
      const path = [name, "container", "ports", index, "host"];
      yield finding(
        path,
        `host port ${key} is wanted ${total} times by several services, on ${on.size} hosts`,
        "another host port, or none",
      );
    }
  }
}
