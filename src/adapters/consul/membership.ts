import type { NodeService, NotPassing } from "../../ports/registry.ts";

/** What is registered where: by node, then by id. */
export type Membership = ReadonlyMap<string, ReadonlyMap<string, NodeService>>;

/** Names of services of which an instance came, went or was registered otherwise. */
export function changedServices(before: Membership, after: Membership): Set<string> {
  const names = new Set<string>();
  for (const node of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(node) ?? new Map<string, NodeService>();
    const is = after.get(node) ?? new Map<string, NodeService>();
    for (const entry of was.values())
      if (is.get(entry.id)?.modifyIndex !== entry.modifyIndex) names.add(entry.serviceName);
    for (const entry of is.values())
      if (was.get(entry.id)?.modifyIndex !== entry.modifyIndex) names.add(entry.serviceName);
  }
  return names;
}

/**
 * Names of services whose checks entered or left a state. A check of a node concerns all that is registered there:
 * `"all"` when that is not known.
 */
export function changedChecks(
  before: readonly NotPassing[],
  after: readonly NotPassing[],
  membership: Membership | null,
): Set<string> | "all" {
  const names = new Set<string>();
  const was = byCheck(before);
  const is = byCheck(after);
  for (const [key, check] of [...was, ...is]) {
    if (was.has(key) && is.has(key)) continue;
    if (check.serviceName !== null) {
      names.add(check.serviceName);
      continue;
    }
    const services = membership?.get(check.node);
    if (services === undefined) return "all";
    for (const service of services.values()) names.add(service.serviceName);
  }
  return names;
}

function byCheck(checks: readonly NotPassing[]): Map<string, NotPassing> {
  return new Map(checks.map((check) => [JSON.stringify([check.node, check.checkId]), check]));
}
