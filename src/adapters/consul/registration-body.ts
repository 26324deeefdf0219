import { META } from "../../model/labels.ts";
import type { HealthCheck } from "../../model/service.ts";
import type { NewRegistration } from "../../ports/registry.ts";

/** Consul's own lower bound; a shorter wish is raised to it rather than refused. */
const deregisterAfterMinMs = 60_000;

/** What `/v1/agent/service/register` takes. */
export function registrationBody(registration: NewRegistration): object {
  return {
    ID: registration.id,
    Name: registration.name,
    Address: registration.address,
    Port: registration.port,
    Tags: registration.tags,
    Meta: registration.meta,
    EnableTagOverride: registration.tagOverride,
    Weights: { Passing: 1, Warning: 1 },
    ...(registration.health === null ? {} : { Check: checkBody(registration, registration.health) }),
  };
}

function checkBody(registration: NewRegistration, health: HealthCheck): object {
  const common = {
    CheckID: checkId(registration),
    Name: `health of ${registration.id}`,
    Status: registration.initialStatus,
    ...(health.deregisterAfterMs === null
      ? {}
      : { DeregisterCriticalServiceAfter: duration(Math.max(health.deregisterAfterMs, deregisterAfterMinMs)) }),
  };
  const at = `${bracketed(registration.address)}:${registration.port}`;
  const { probe } = health;
  switch (probe.kind) {
    case "http":
      return { ...common, HTTP: `http://${at}${probe.path}`, ...timing(health) };
    case "tcp":
      return { ...common, TCP: at, ...timing(health) };
    case "ttl":
      return { ...common, TTL: duration(probe.ttlMs) };
  }
}

/**
 * One per container: an agent that is told of a check it has already keeps that check's status, and the next container
 * in the same place would count as passing on the word of the last one.
 */
function checkId({ id, meta }: NewRegistration): string {
  const container = meta[META.container];
  return container === undefined ? `service:${id}` : `service:${id}:${container}`;
}

function timing(health: HealthCheck): object {
  return { Interval: duration(health.intervalMs), Timeout: duration(health.timeoutMs) };
}

/** An IPv6 address needs brackets before a port. */
function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function duration(ms: number): string {
  return `${Math.round(ms)}ms`;
}
