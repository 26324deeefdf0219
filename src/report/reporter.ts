import type { ActionResult } from "../model/action.ts";
import type { ServicePlan } from "../model/plan.ts";
import type { HistoryEntry } from "../model/report.ts";
import { statusWord } from "../model/status.ts";
import type { Status } from "../model/status.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Board, BoardDecision } from "./board.ts";
import { describeAction } from "./describe-action.ts";
import { EVENT } from "./events.ts";

/** Somebody who wants to know what passes find and do: metrics, alerts, the checks published in Consul. */
export interface Listener<D extends BoardDecision> {
  decided?(decision: D): void;
  acted?(plan: ServicePlan, results: readonly ActionResult[]): void;
}

export interface ReporterDeps<D extends BoardDecision> {
  readonly board: Board;
  readonly clock: Clock;
  readonly log: Log;
  readonly listeners: readonly Listener<D>[];
}

/** Tells the board, the log and the listeners. A pass that finds nothing new is told at debug. */
export function openReporter<D extends BoardDecision>({ board, clock, log, listeners }: ReporterDeps<D>) {
  const statuses = new Map<string, Status>();
  const silentHosts = new Map<string, boolean>();
  const at = (): string => new Date(clock.wallMs()).toISOString();

  const tellStatus = ({ standing }: ServicePlan): void => {
    if (statuses.get(standing.service) === standing.status) return;
    // What an earlier process noted last: a command that looks for a moment has no news of its own.
    const before = statuses.has(standing.service)
      ? statusWord(statuses.get(standing.service) ?? 3)
      : lastNoted(board.history(standing.service));
    statuses.set(standing.service, standing.status);
    if (before === statusWord(standing.status)) return;
    const what = `${before === null ? "" : `${before} → `}${statusWord(standing.status)}`;
    board.record(standing.service, {
      at: at(),
      kind: "status",
      what,
      why: standing.summary,
      outcome: "noted",
      detail: null,
    });
    const data = { event: EVENT.statusChanged, service: standing.service, status: statusWord(standing.status) };
    const message = { ...data, before, summary: standing.summary };
    if (standing.status === 0) log.info(message, "status changed");
    else log.warn(message, "status changed");
  };
  /** A host is told of when it falls silent and when it answers again, not with every pass between. */
  const tellHosts = ({ hosts }: BoardDecision["observed"]): void => {
    for (const { name, engine } of Object.values(hosts)) {
      const silent = engine.kind === "unknown";
      const before = silentHosts.get(name) ?? false;
      if (silent === before) continue;
      silentHosts.set(name, silent);
      if (engine.kind === "unknown")
        log.warn({ event: EVENT.hostSilent, host: name, reason: engine.reason }, "host is silent");
      else log.info({ event: EVENT.hostAnswers, host: name }, "host answers again");
    }
  };
  const tellResult = (result: ActionResult): void => {
    const { action } = result;
    const data = { service: action.service, action: describeAction(action), rule: action.because.rule };
    switch (result.kind) {
      case "done":
        log.info(
          { event: EVENT.actionDone, ...data, why: action.because.evidence, tookMs: result.tookMs },
          "action done",
        );
        break;
      case "failed":
        log.error({ event: EVENT.actionFailed, ...data, error: result.message, retry: result.retry }, "action failed");
        break;
      case "skipped":
        log.warn({ event: EVENT.actionSkipped, ...data, reason: result.reason }, "action skipped");
        break;
    }
  };

  return {
    decided(decision: D): void {
      board.decided(decision);
      tellHosts(decision.observed);
      for (const plan of Object.values(decision.plan.services)) {
        tellStatus(plan);
        for (const hold of plan.holds) log.debug({ event: EVENT.actionHeld, ...hold }, "action held");
      }
      for (const listener of listeners) listener.decided?.(decision);
    },
    acted(plan: ServicePlan, results: readonly ActionResult[]): void {
      if (results.length > 0) board.acted(plan, results, at());
      results.forEach(tellResult);
      for (const listener of listeners) listener.acted?.(plan, results);
    },
  };
}

function lastNoted(history: readonly HistoryEntry[]): string | null {
  return (
    history
      .findLast(({ kind }) => kind === "status")
      ?.what.split(" → ")
      .at(-1) ?? null
  );
}
