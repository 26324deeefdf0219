import type { ActionResult } from "../model/action.ts";
import type { Memory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { HostObservation, ServiceObservation } from "../model/observation.ts";
import type { Plan, ServicePlan, Standing } from "../model/plan.ts";
import type { HistoryEntry, ServiceReport, WhyReport } from "../model/report.ts";
import { REPORT_VERSION } from "../model/report.ts";
import type { DesiredState } from "../model/service.ts";
import { describeAction } from "./describe-action.ts";

/** What was last seen and decided of each service, and what came of it: what status and why are answered from. */
export interface Board {
  decided(decision: BoardDecision): void;
  acted(plan: ServicePlan, results: readonly ActionResult[], at: string): readonly HistoryEntry[];
  record(service: string, entry: HistoryEntry): void;
  /** Puts what an earlier process recorded before what this one has. */
  restore(service: string, history: readonly HistoryEntry[]): void;
  forget(services: readonly string[]): void;
  standings(): readonly Standing[];
  plans(): readonly ServicePlan[];
  hosts(): Readonly<Record<string, HostObservation>>;
  history(service: string): readonly HistoryEntry[];
  service(service: string, iso: (steadyMs: number) => string): ServiceReport | null;
  why(service: string, iso: (steadyMs: number) => string): WhyReport | null;
}

export interface BoardDecision {
  readonly desired: DesiredState;
  readonly observed: {
    readonly hosts: Readonly<Record<string, HostObservation>>;
    readonly services: Readonly<Record<string, ServiceObservation>>;
  };
  readonly plan: Plan;
  readonly memory: Memory;
}

const HISTORY_MAX = 50;

interface Entry {
  readonly plan: ServicePlan;
  readonly observed: ServiceObservation;
  readonly memory: Memory["services"][string];
}

/** `followsEvents`: whether what is known of Docker between two lists is kept true by its events, or is a single look. */
export function openBoard(environment: string, { followsEvents = true } = {}): Board {
  const entries = new Map<string, Entry>();
  const histories = new Map<string, readonly HistoryEntry[]>();
  let hosts: Readonly<Record<string, HostObservation>> = {};
  let sources: Readonly<Record<string, string>> = {};

  const record = (service: string, entry: HistoryEntry): void => {
    histories.set(service, [...(histories.get(service) ?? []), entry].slice(-HISTORY_MAX));
  };
  const lastAction = (service: string): HistoryEntry | null =>
    histories.get(service)?.findLast(({ kind }) => kind === "action") ?? null;

  return {
    decided({ desired, observed, plan, memory }) {
      hosts = observed.hosts;
      sources = desired.sources;
      for (const [name, service] of Object.entries(plan.services)) {
        const seen = observed.services[name];
        if (seen === undefined) continue;
        entries.set(name, { plan: service, observed: seen, memory: memory.services[name] ?? noServiceMemory });
      }
    },
    acted(plan, results, at) {
      const lines = results.map((result) => historyOf(result, at));
      for (const line of lines) record(plan.service, line);
      return lines;
    },
    record,
    restore(service, history) {
      const own = histories.get(service) ?? [];
      const earlier = history.filter(({ at }) => at < (own[0]?.at ?? "9"));
      histories.set(service, [...earlier, ...own].slice(-HISTORY_MAX));
    },
    forget(services) {
      for (const service of services) {
        entries.delete(service);
        histories.delete(service);
      }
    },
    standings: () => [...entries.values()].map(({ plan }) => plan.standing),
    plans: () => [...entries.values()].map(({ plan }) => plan),
    hosts: () => hosts,
    history: (service) => histories.get(service) ?? [],
    service(service, iso) {
      const entry = entries.get(service);
      if (entry === undefined) return null;
      const { plan, memory } = entry;
      const waits = Object.values(memory.slots).flatMap(({ backOff, healthySinceMs }) =>
        backOff !== null && healthySinceMs === null ? [backOff.untilMs] : [],
      );
      return {
        service,
        standing: plan.standing,
        since: memory.status === null ? null : iso(memory.statusSinceMs),
        holds: plan.holds,
        planned: plan.waves.flat(),
        lastAction: lastAction(service),
        paused:
          memory.pause === null
            ? null
            : { until: memory.pause.untilMs === null ? null : iso(memory.pause.untilMs), why: memory.pause.why },
        backOffUntil: waits.length === 0 ? null : iso(Math.max(...waits)),
      };
    },
    why(service, iso) {
      const entry = entries.get(service);
      if (entry === undefined) return null;
      const { plan, observed, memory } = entry;
      const registry = observed.registry.kind === "known" ? observed.registry.value : null;
      return {
        version: REPORT_VERSION,
        environment,
        service,
        standing: plan.standing,
        since: memory.status === null ? null : iso(memory.statusSinceMs),
        instances: observed.instances,
        silentHosts: observed.silentHosts,
        ghosts: registry?.ghosts ?? [],
        foreign: registry?.foreign ?? [],
        seenBy: seenBy(observed, followsEvents),
        planned: plan.waves.flat(),
        holds: plan.holds,
        memory,
        history: histories.get(service) ?? [],
        sources: Object.fromEntries(
          Object.entries(sources).filter(
            ([path]) => path === `services.${service}` || path.startsWith(`services.${service}.`),
          ),
        ),
      };
    },
  };
}

function seenBy(observed: ServiceObservation, followsEvents: boolean): readonly string[] {
  const { registry, consistency, freshRuntime, agreeingReads, binding } = observed;
  return [
    registry.kind === "known"
      ? `Consul: ${consistency} read at index ${registry.value.index}${agreeingReads > 1 ? `, ${agreeingReads} agreeing` : ""}`
      : `Consul: unknown (${registry.reason})`,
    `Docker: ${followsEvents && !freshRuntime ? "kept up to date by its events" : "listed just now"}`,
    binding.kind === "known" ? `runs as: ${binding.value.kind}` : `runs as: unknown (${binding.reason})`,
  ];
}

/** One line of history for one result. */
function historyOf(result: ActionResult, at: string): HistoryEntry {
  const base = {
    at,
    kind: "action" as const,
    what: describeAction(result.action),
    why: result.action.because.evidence,
  };
  switch (result.kind) {
    case "done":
      return { ...base, outcome: "done", detail: joined(`took ${Math.round(result.tookMs)} ms`, result.note) };
    case "failed":
      return { ...base, outcome: "failed", detail: joined(result.message, nextStep[result.retry]) };
    case "skipped":
      return { ...base, outcome: "skipped", detail: result.reason };
  }
}

const nextStep = {
  later: "tried again after a back-off",
  look: "it may have happened all the same: looked at first",
  never: "it is not tried again until something changes",
} as const;

function joined(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== "").join("; ");
}
