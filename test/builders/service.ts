import { createHash } from "node:crypto";
import type { DesiredState, Service } from "../../src/model/service.ts";
import { aTemplate } from "./template.ts";

/** A service of `heal`'s own making: two instances behind an HTTP check, everything else as the defaults have it. */
export function aService(name: string, changes: Partial<Service> = {}): Service {
  const service: Service = {
    name,
    count: 2,
    runtime: "engine",
    adopt: { swarmService: name, composeProject: name, composeService: null },
    container: aTemplate(`${name}:1`),
    health: {
      probe: { kind: "http", path: "/" },
      port: null,
      intervalMs: 5_000,
      timeoutMs: 2_000,
      startGraceMs: 30_000,
      deregisterAfterMs: null,
    },
    consul: { name, tags: [], meta: {}, tagOverride: false },
    placement: { hosts: null, maxPerHost: null },
    healing: { unhealthyAfterMs: 30_000, maxUnavailable: 0, lostAfterMs: 30_000 },
    surplus: { action: "alert", afterMs: 60_000 },
    alerts: { route: null },
    redis: null,
    specHash: null,
    ...changes,
  };
  const { container, health, consul } = service;
  return { ...service, specHash: container === null ? null : shortHash({ container, health, consul }) };
}

/** A service that some other runtime has created, and that `heal` only scales. */
export function anAdoptedService(name: string, changes: Partial<Service> = {}): Service {
  return aService(name, { runtime: null, container: null, health: null, consul: null, ...changes });
}

export function aDesiredState(services: readonly Service[], environment = "live"): DesiredState {
  return {
    environment,
    services: Object.fromEntries(services.map((service) => [service.name, service])),
    sources: {},
    hash: shortHash(services),
  };
}

function shortHash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}
