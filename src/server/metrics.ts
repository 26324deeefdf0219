import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Action, ActionResult } from "../model/action.ts";
import type { Standing } from "../model/plan.ts";
import { registerServiceGauges } from "./service-gauges.ts";

/** What the program tells of itself as it works. Durations are milliseconds; what is published is seconds. */
export interface Metrics {
  passFinished(tookMs: number): void;
  actionFinished(kind: Action["kind"], outcome: ActionResult["kind"], tookMs: number): void;
  /** How a service stands now, in place of how it stood before. */
  standing(standing: Standing): void;
  /** Services that are desired no more. */
  forget(services: readonly string[]): void;
  leader(leads: boolean): void;
  /** How many hosts answer and how many do not. */
  hosts(answering: number, silent: number): void;
  sourceFailed(source: "consul" | "docker"): void;
  alertFinished(outcome: "delivered" | "failed"): void;
}

/** The same, as Prometheus reads it. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

/**
 * The event loop's lag is measured when it is asked for. A histogram of it, which is what these would be read from, wakes
 * an idle process a hundred times a second, and that was the greater part of all that heal cost while nothing happened.
 */
const lagFigures = ["min", "max", "mean", "stddev", "p50", "p90", "p99"];
const DAY_MS = 24 * 3_600_000;

/**
 * Metrics in a registry of their own, named `heal_*`. The number of series is bounded whatever the fleet's size: beyond
 * `servicesMax` services those that do not pass come first, and the rest is only counted in `heal_services`.
 */
export function openMetrics(version: string, servicesMax = 1_000): Metrics & MetricsPage {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "heal_", eventLoopMonitoringPrecision: DAY_MS });
  for (const figure of lagFigures) registry.removeSingleMetric(`heal_nodejs_eventloop_lag_${figure}_seconds`);
  const standings = new Map<string, Standing>();
  registerServiceGauges(registry, () => [...standings.values()], servicesMax);
  const own = counters(registry);
  own.build.set({ version }, 1);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    passFinished: (tookMs) => own.pass.observe(tookMs / 1_000),
    actionFinished(kind, outcome, tookMs) {
      own.actions.inc({ kind, outcome });
      if (outcome !== "skipped") own.action.observe({ kind }, tookMs / 1_000);
    },
    standing: (standing) => void standings.set(standing.service, standing),
    forget: (services) => services.forEach((service) => standings.delete(service)),
    leader: (leads) => own.leader.set(leads ? 1 : 0),
    hosts(answering, silent) {
      own.hosts.set({ state: "answering" }, answering);
      own.hosts.set({ state: "silent" }, silent);
    },
    sourceFailed: (source) => own.failures.inc({ source }),
    alertFinished: (outcome) => own.alerts.inc({ outcome }),
  };
}

function counters(registry: Registry) {
  const registers = [registry];
  return {
    actions: new Counter({
      name: "heal_actions_total",
      help: "Actions by what came of them",
      labelNames: ["kind", "outcome"],
      registers,
    }),
    action: new Histogram({
      name: "heal_action_duration_seconds",
      help: "Time that actions took",
      labelNames: ["kind"],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    pass: new Histogram({
      name: "heal_pass_duration_seconds",
      help: "Time from the beginning of a pass to the end of its last action",
      buckets: [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    build: new Gauge({ name: "heal_build_info", help: "1, with the version", labelNames: ["version"], registers }),
    leader: new Gauge({ name: "heal_leader", help: "1 while this daemon is the one that acts", registers }),
    hosts: new Gauge({ name: "heal_hosts", help: "Hosts by whether they answer", labelNames: ["state"], registers }),
    failures: new Counter({
      name: "heal_source_failures_total",
      help: "Troubles with Consul and Docker",
      labelNames: ["source"],
      registers,
    }),
    alerts: new Counter({
      name: "heal_alerts_total",
      help: "Alert messages by what came of them",
      labelNames: ["outcome"],
      registers,
    }),
  };
}
