import type { Action, ActionResult, Hold } from "../../../src/model/action.ts";
import type { Container, Instance, Registration } from "../../../src/model/instance.ts";
import { noServiceMemory } from "../../../src/model/memory.ts";
import type { ServicePlan, Standing } from "../../../src/model/plan.ts";
import type {
  HistoryEntry,
  PassReport,
  PlanReport,
  ServiceReport,
  StatusReport,
  WhyReport,
} from "../../../src/model/report.ts";
import { REPORT_VERSION } from "../../../src/model/report.ts";
import type { Status } from "../../../src/model/status.ts";
import { worstStatus } from "../../../src/model/status.ts";

/** 2026-03-01T03:12:40Z, the time at which every report of these tests was made. */
const at = "2026-03-01T03:12:40.000Z";
export const atMs = Date.parse(at);

export function aStart(service: string, slot: number, generation: number, host: string): Action {
  return {
    kind: "start-instance",
    service,
    host,
    slot,
    generation,
    name: `heal.live.${service}.${slot}.${generation}`,
    specHash: "5bd1",
    because: {
      rule: "start-missing",
      evidence: `slot ${slot} has no instance: heal.live.${service}.${slot}.1 has ended`,
    },
  };
}

export function aHold(service: string, part: Partial<Hold> = {}): Hold {
  return {
    service,
    because: {
      rule: "replace-unhealthy",
      evidence: `heal.live.${service}.2.1 on h2 is critical in Consul: HTTP 500 (for 12 s)`,
    },
    heldBy: "unhealthy-after",
    reason: "it is replaced when that has lasted 30 s",
    untilMs: atMs + 18_000,
    ...part,
  };
}

export function aServicePlan(standing: Standing, part: Partial<ServicePlan> = {}): ServicePlan {
  return { service: standing.service, waves: [], holds: [], standing, needsLook: null, lookAgainAtMs: null, ...part };
}

export function aPlanReport(services: readonly ServicePlan[], hash = "1a2b3c4d5e6f"): PlanReport {
  const status = worstStatus(services.map(({ standing }) => standing.status));
  return { version: REPORT_VERSION, environment: "live", hash, status, services, atMs };
}

export function aPassReport(
  services: readonly ServicePlan[],
  results: readonly ActionResult[],
  after: readonly Standing[],
): PassReport {
  return { ...aPlanReport(services), results, after };
}

export function aServiceReport(standing: Standing, part: Partial<ServiceReport> = {}): ServiceReport {
  return {
    service: standing.service,
    standing,
    since: null,
    holds: [],
    planned: [],
    lastAction: null,
    paused: null,
    backOffUntil: null,
    ...part,
  };
}

export function aHistoryEntry(part: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    at: "2026-03-01T03:11:40.000Z",
    kind: "action",
    what: "start heal.live.web.2.4 on h1",
    why: "slot 2 has no instance",
    outcome: "done",
    detail: "took 233 ms",
    ...part,
  };
}

export function aStatusReport(services: readonly ServiceReport[], part: Partial<StatusReport> = {}): StatusReport {
  return {
    version: REPORT_VERSION,
    environment: "live",
    status: worstStatus(services.map(({ standing }): Status => standing.status)),
    at,
    controller: { version: "0.1.0", role: "leader", leader: "h1", since: "2026-02-28T23:12:40.000Z" },
    hosts: [],
    services,
    troubles: [],
    ...part,
  };
}

function aContainer(part: Partial<Container> = {}): Container {
  return {
    id: "c1",
    name: "heal.live.web.1.1",
    host: "h1",
    service: "web",
    slot: 1,
    generation: 1,
    specHash: "5bd1",
    state: "running",
    health: "none",
    exitCode: null,
    createdAtMs: 0,
    startedAtMs: 0,
    finishedAtMs: null,
    restartsItself: false,
    address: "172.17.0.2",
    ports: [],
    compose: null,
    swarmTaskId: null,
    swarmServiceName: null,
    ...part,
  };
}

export function aRegistration(part: Partial<Registration> = {}): Registration {
  return {
    id: "heal.live.web.1",
    name: "web",
    node: "h1",
    nodeStatus: "passing",
    address: "192.0.2.11",
    port: 20_001,
    tags: [],
    meta: {},
    status: "passing",
    inMaintenance: false,
    output: "HTTP GET http://192.0.2.11:20001/: 200 OK",
    modifyIndex: 17,
    ...part,
  };
}

export function anInstance(container: Partial<Container>, registration: Partial<Registration> | null): Instance {
  return {
    container: aContainer(container),
    registration: registration === null ? null : aRegistration(registration),
    current: true,
  };
}

export function aWhyReport(standing: Standing, part: Partial<WhyReport> = {}): WhyReport {
  return {
    version: REPORT_VERSION,
    environment: "live",
    service: standing.service,
    standing,
    since: "2026-03-01T03:10:30.000Z",
    instances: [],
    silentHosts: {},
    ghosts: [],
    foreign: [],
    seenBy: ["Consul: default read at index 1234", "Docker: kept up to date by its events", "runs as: engine"],
    planned: [],
    holds: [],
    memory: noServiceMemory,
    history: [],
    sources: {},
    atMs,
    ...part,
  };
}
