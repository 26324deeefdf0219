import type {
  AlertCondition,
  AlertFacts,
  AlertRoute,
  AlertRules,
  HostFacts,
  ServiceFacts,
} from "../../../src/model/alert.ts";
import { known, unknown } from "../../../src/model/known.ts";
import { noFleetMemory, noServiceMemory } from "../../../src/model/memory.ts";
import type { Standing } from "../../../src/model/plan.ts";
import { aService } from "../../builders/service.ts";
import { aStanding } from "../../builders/standing.ts";

/** 2023-11-15 03:12:00 UTC: alerts are read at night. */
export const NIGHT_MS = 1_700_017_920_000;
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

export const short: Partial<Standing> = { status: 2, healthy: 1, summary: "1/3 healthy: 2 missing" };
export const tooMany: Partial<Standing> = { status: 1, healthy: 4, surplus: 1, summary: "4/3 healthy: 1 too many" };
export const blind: Partial<Standing> = { status: 3, trust: "blind", trustReason: "Consul has no leader" };

export function serviceFacts(
  name: string,
  standing: Partial<Standing> | null = {},
  changes: Partial<ServiceFacts> = {},
): ServiceFacts {
  return {
    service: aService(name, { count: 3 }),
    standing: standing === null ? null : aStanding(name, standing),
    memory: noServiceMemory,
    holds: [],
    acted: null,
    instances: [],
    ...changes,
  };
}

/** A service that has been in this status for so long. */
export function sinceMinutes(facts: ServiceFacts, minutes: number): ServiceFacts {
  const atMs = NIGHT_MS - minutes * MINUTE;
  const surplusSinceMs = (facts.standing?.surplus ?? 0) > 0 ? atMs : null;
  return {
    ...facts,
    memory: { ...facts.memory, status: facts.standing?.status ?? null, statusSinceMs: atMs, surplusSinceMs },
  };
}

export function hostFacts(
  name: string,
  changes: Partial<HostFacts["observation"]> = {},
  carried: HostFacts["carried"] = [],
): HostFacts {
  return {
    observation: {
      name,
      engine: known({ id: name }, NIGHT_MS),
      silentSinceMs: null,
      node: known("passing", NIGHT_MS),
      swarmNode: null,
      load: 0,
      ...changes,
    },
    carried,
  };
}

export function deadHost(name: string, sinceMs: number, carried: HostFacts["carried"] = []): HostFacts {
  const gone = {
    engine: unknown("connect timed out"),
    silentSinceMs: sinceMs,
    node: known("critical" as const, sinceMs),
  };
  return hostFacts(name, { ...gone }, carried);
}

export function facts(changes: Partial<AlertFacts> = {}): AlertFacts {
  return {
    environment: "live",
    nowMs: NIGHT_MS,
    commandSuffix: "",
    services: {},
    hosts: {},
    fleet: noFleetMemory,
    desiredState: null,
    leadership: { kind: "led" },
    setAside: [],
    ...changes,
  };
}

export function aRoute(changes: Partial<AlertRoute> = {}): AlertRoute {
  return {
    critical: ["mail", "sms"],
    warning: ["mail"],
    fallback: ["chat"],
    waitMs: 30 * SECOND,
    repeatMs: 4 * HOUR,
    quietHours: null,
    ...changes,
  };
}

export function rules(changes: Partial<AlertRoute> = {}, others: AlertRules["routes"] = {}): AlertRules {
  return { routes: { default: aRoute(changes), ...others }, timezone: "UTC" };
}

export function aCondition(key = "live/surplus/web", changes: Partial<AlertCondition> = {}): AlertCondition {
  const [, kind = "surplus", subject = "web"] = key.split("/");
  return {
    key,
    kind: kind as AlertCondition["kind"],
    subject,
    severity: "critical",
    services: [subject],
    routes: ["default"],
    causes: [],
    sinceMs: 0,
    waitMs: null,
    summary: `${subject}: something`,
    what: `${subject} has something`,
    doing: "Waits.",
    advice: [`\`heal why ${subject}\` shows more.`],
    evidence: ["seen"],
    ...changes,
  };
}
