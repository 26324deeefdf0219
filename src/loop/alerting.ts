import type { AlertRules, AlertState, LeadershipFacts } from "../model/alert.ts";
import type { AlertsReport, AlertTestReport } from "../model/alert-report.ts";
import type { FleetMemory } from "../model/memory.ts";
import { REPORT_VERSION } from "../model/report.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import { UnknownChannel } from "../ports/controller.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { Advanced } from "../report/alerts/advance.ts";
import { advanceAlerts } from "../report/alerts/advance.ts";
import { attempt } from "../report/alerts/attempt.ts";
import { markDelivered, markFailed } from "../report/alerts/channels.ts";
import { conditionsFrom } from "../report/alerts/conditions.ts";
import type { Channel, DeliveryOutcome } from "../report/alerts/channel.ts";
import { startDelivery } from "../report/alerts/delivery.ts";
import { openSeen } from "../report/alerts/facts.ts";
import { alertRows } from "../report/alerts/list.ts";
import { digestMessage, testMessage } from "../report/alerts/message.ts";
import { firingMessages } from "../report/alerts/outbox.ts";
import type { SilenceWish } from "../report/alerts/state.ts";
import { addSilence, emptyAlertState, endSilence, ownAlerts, readAlertState } from "../report/alerts/state.ts";
import { EVENT } from "../report/events.ts";
import type { Listener } from "../report/reporter.ts";
import type { DesiredSource } from "./desired-source.ts";
import type { Fence } from "./fence.ts";
import type { MemoryStore } from "./memory.ts";
import type { Decision } from "./reconcile.ts";
import type { LeadershipStanding } from "./standing.ts";

export interface AlertingDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly memory: MemoryStore;
  readonly fence: () => Fence;
  readonly leadership: () => LeadershipStanding;
  readonly desired: DesiredSource;
  readonly channels: readonly Channel[];
  readonly rules: AlertRules;
  /** What commands need added to mean this environment. */
  readonly commandSuffix: string;
}

export interface Alerting extends Listener<Decision> {
  /** Begins from what Memory holds: a new leader goes on where the last one was. */
  restore(): void;
  /** Something but a pass has changed: the files, the leadership. */
  touch(): void;
  list(): AlertsReport;
  /** Rejects with `UnknownChannel`. */
  test(channel: string): Promise<AlertTestReport>;
  /** Resolves to null once it is in force, or to the reason why it is not. */
  silence(wish: SilenceWish): Promise<string | null>;
  /** The same for the end of a silence. */
  endSilence(subject: string): Promise<string | null>;
  /** Whether somebody would have to be told, or something to be saved, of what has been seen by now. */
  hasNews(): boolean;
  /** Resolves when nothing is owed to any channel that has not proved broken, or after `withinMs`: for a program that ends. */
  quiet(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

/**
 * So long are the changes of one moment gathered before alerts are looked at: a failover is over by then, and what it has
 * to save does not wait behind this. No person reads a message within that time.
 */
const GATHER_MS = 250;
/** Judging every service takes its time where there are thousands: at most a tenth of all time goes into it. */
const REST_TIMES = 9;
const RETRY_MS = 1_000;
const QUIET_POLL_MS = 20;
/** Without a leader for longer than an election takes, whoever is left tells, though nothing can be saved. */
const LEADERLESS_AFTER_MS = 10_000;

/**
 * Turns what passes see into messages. The leader tells, and saves what it means to tell before it does. While there
 * is no leader and nothing can be saved, each daemon tells from its own memory: better twice than not at all.
 */
export function startAlerting(deps: AlertingDeps): Alerting {
  const { clock, log, memory, rules } = deps;
  const seen = openSeen();
  let state = emptyAlertState(clock.steadyMs());
  let leaderlessSinceMs: number | null = null;
  let timer: { readonly atMs: number; readonly cancel: Cancel } | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;
  let restUntilMs = 0;
  let fleet: FleetMemory | null = null;

  const channelNames = (): readonly string[] => deps.channels.map(({ notifier }) => notifier.name);
  const context = () => ({ environment: deps.desired.current().environment, wallMs: clock.wallMs(), rules });
  const courier = startDelivery({
    clock,
    random: deps.random,
    log,
    channels: deps.channels,
    digest: (messages) => digestMessage(messages, context()),
    firing: (channel) => firingMessages(state, channel, context()),
    outcome: (outcome) => settle(outcome),
  });

  const settle = (outcome: DeliveryOutcome): void => {
    for (const entry of outcome.entries) {
      state =
        outcome.kind === "taken"
          ? markDelivered(state, entry, clock.steadyMs())
          : markFailed(state, entry, { reason: outcome.reason, broken: outcome.broken });
    }
    wake(clock.steadyMs());
  };
  const wake = (atMs: number): void => {
    if (closed || (timer !== null && timer.atMs <= atMs)) return;
    timer?.cancel();
    const cancel = clock.after(Math.max(0, atMs - clock.steadyMs()), () => {
      timer = null;
      turn = turn.then(advance).catch((error: unknown) => {
        log.error({ event: EVENT.alertFailed, error }, "alerts could not be worked out: this is a bug in heal");
        wake(clock.steadyMs() + RETRY_MS);
      });
    });
    timer = { atMs, cancel };
  };
  const touch = (): void => wake(Math.max(clock.steadyMs() + GATHER_MS, restUntilMs));

  /** Saved before it is told. A state that could not be saved is not taken up, and is worked out anew. */
  const advance = async (): Promise<void> => {
    if (closed) return;
    const standing = deps.leadership();
    const leadership = leadershipFacts(standing);
    if (leadership.kind === "unknown") {
      // A candidate may wait longer than that: then the next change of the standing touches this.
      const dueMs = leaderlessSinceMs === null ? 0 : leaderlessSinceMs + LEADERLESS_AFTER_MS;
      if (dueMs > clock.steadyMs()) wake(dueMs);
      return takeBackOwn();
    }
    const nowMs = clock.steadyMs();
    const before = state;
    const next = judge(leadership, nowMs);
    restUntilMs = clock.steadyMs() + (clock.steadyMs() - nowMs) * REST_TIMES;
    const refused = standing.kind === "leader" ? await memory.commit(deps.fence(), { alerts: next.state }) : null;
    if (refused !== null) {
      log.debug({ event: EVENT.memoryRefused, refused }, "alerts could not be saved");
      return wake(clock.steadyMs() + RETRY_MS);
    }
    // A channel may have answered while this was being saved: then it is worked out once more.
    if (state !== before) return wake(clock.steadyMs());
    state = next.state;
    courier.offer(next.outbox);
    if (next.lookAgainAtMs !== null) wake(next.lookAgainAtMs);
  };

  const judge = (leadership: LeadershipFacts, nowMs: number): Advanced => {
    const facts = seen.facts({
      desired: deps.desired.current(),
      memory: memory.view(),
      nowMs,
      commandSuffix: deps.commandSuffix,
      desiredState: deps.desired.trouble(),
      leadership,
      setAside: memory.setAside(),
    });
    const { environment } = facts;
    const conditions = conditionsFrom(facts);
    return advanceAlerts({ environment, conditions, state, nowMs, wallMs: clock.wallMs(), rules });
  };

  /** Somebody else leads and tells of everything; only what this daemon told while nobody led is ended by it. */
  const takeBackOwn = (): void => {
    const own = ownAlerts(state);
    const { environment } = context();
    const input = {
      environment,
      conditions: { holding: [], unclear: [] },
      nowMs: clock.steadyMs(),
      wallMs: clock.wallMs(),
      rules,
    };
    const next = advanceAlerts({ ...input, state: own });
    state = { ...state, alerts: { ...state.alerts, ...next.state.alerts } };
    courier.offer(next.outbox);
    if (next.lookAgainAtMs !== null && Object.keys(own.alerts).length > 0) wake(next.lookAgainAtMs);
  };

  /** What a person changes is in force once it is saved. */
  const edit = async (change: (before: AlertState, now: Moment) => AlertState): Promise<string | null> => {
    const now = { nowMs: clock.steadyMs(), wallMs: clock.wallMs() };
    const refused = await memory.commit(deps.fence(), { alerts: change(state, now) });
    if (refused === null) state = change(state, now);
    touch();
    return refused;
  };

  const leadershipFacts = (standing: LeadershipStanding): LeadershipFacts => {
    switch (standing.kind) {
      case "leader":
        leaderlessSinceMs = null;
        return { kind: "led" };
      case "seeking":
      case "suspended": {
        leaderlessSinceMs ??= clock.steadyMs();
        if (clock.steadyMs() - leaderlessSinceMs < LEADERLESS_AFTER_MS) return { kind: "unknown" };
        return { kind: "leaderless", sinceMs: leaderlessSinceMs, reason: standing.reason };
      }
      case "candidate":
        leaderlessSinceMs ??= clock.steadyMs();
        return { kind: "unknown" };
      case "follower":
      case "stopped":
        leaderlessSinceMs = null;
        return { kind: "unknown" };
    }
  };

  return {
    decided(decision) {
      const isNews = seen.decided(decision) || decision.memory.fleet !== fleet;
      fleet = decision.memory.fleet;
      if (isNews) touch();
    },
    acted(plan, results) {
      seen.acted(plan.service, results, clock.steadyMs());
      touch();
    },
    restore() {
      const saved = memory.alerts();
      if (saved === null || saved === undefined) return touch();
      const read = readAlertState(JSON.stringify(saved), clock.steadyMs());
      // What this daemon told while nobody led is its own to take back, whatever was saved by others.
      if (read.kind === "read") state = { ...read.state, alerts: { ...read.state.alerts, ...ownAlerts(state).alerts } };
      else log.error({ event: EVENT.memorySetAside, reason: read.reason }, "saved alerts cannot be read");
      touch();
    },
    touch,
    list: () => ({
      version: REPORT_VERSION,
      environment: context().environment,
      channels: channelNames(),
      alerts: alertRows(state, { nowMs: clock.steadyMs(), wallMs: clock.wallMs(), rules }),
      silences: state.silences.map(({ subject, untilWallMs, why, by }) => ({ subject, untilWallMs, why, by })),
    }),
    async test(name) {
      const channel = deps.channels.find(({ notifier }) => notifier.name === name);
      if (channel === undefined) throw new UnknownChannel(name, channelNames());
      const { environment } = context();
      const delivery = await attempt(clock, channel.notifier, testMessage(name, context()), channel.timeoutMs);
      const reason = delivery.kind === "taken" ? null : delivery.reason;
      return { version: REPORT_VERSION, environment, channel: name, taken: reason === null, reason };
    },
    hasNews() {
      const { state: next, outbox } = judge({ kind: "led" }, clock.steadyMs());
      return next !== state || outbox.length > 0;
    },
    async quiet(withinMs) {
      const endMs = clock.steadyMs() + withinMs;
      wake(clock.steadyMs());
      do {
        await clock.sleep(QUIET_POLL_MS);
        await turn;
      } while (clock.steadyMs() < endMs && isOwed(state));
    },
    silence: (wish) => edit((before, now) => addSilence(before, wish, now)),
    endSilence: (subject) => edit((before, { nowMs }) => endSilence(before, subject, nowMs)),
    async close() {
      closed = true;
      timer?.cancel();
      await turn;
      await courier.close();
    },
  };
}

function isOwed({ alerts }: AlertState): boolean {
  return Object.values(alerts).some(({ channels }) =>
    Object.values(channels).some(({ owed }) => owed !== null && !owed.broken),
  );
}
