import { watchRegistry } from "../adapters/consul/watch.ts";
import { schedule } from "../adapters/cron/schedule.ts";
import { diskWatcher } from "../adapters/files/disk-watcher.ts";
import { openController } from "../loop/controller.ts";
import type { Daemon } from "../loop/daemon.ts";
import { startDaemon } from "../loop/daemon.ts";
import { openHistory } from "../loop/history.ts";
import { keepHistory } from "../loop/keep-history.ts";
import { startPublishing } from "../loop/publishing.ts";
import type { Decision } from "../loop/reconcile.ts";
import type { ControllerReport } from "../model/report.ts";
import { NotLeader } from "../ports/controller.ts";
import type { Controller } from "../ports/controller.ts";
import type { Log } from "../ports/log.ts";
import { EVENT } from "../report/events.ts";
import type { Listener } from "../report/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import { version } from "../version.ts";
import { openAdapters } from "./adapters.ts";
import { askThere } from "./ask-there.ts";
import { openAlerting, openChannels } from "./channels.ts";
import { assemble } from "./world.ts";

export interface RunningDaemon {
  readonly controller: Controller;
  /** What is missing before it knows the world; empty when it is ready. */
  readonly waitingFor: () => readonly string[];
  /** Desired-state files may have changed. */
  reload(): Promise<void>;
  /** Tells now and at every change whether this daemon leads. Returns how to stop telling. */
  onLeadership(told: (leads: boolean) => void): () => void;
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly settings: Settings;
  readonly variables: (name: string) => string | null;
  readonly log: Log;
  readonly shadow: boolean;
  readonly listeners: readonly Listener<Decision>[];
  /** Told which services are asked for no more. */
  readonly onGone: (services: readonly string[]) => void;
}

/** Starts everything that belongs to a daemon of one environment, but the servers through which it is asked. */
export async function startRunning(options: DaemonOptions): Promise<RunningDaemon> {
  const { settings, log, shadow } = options;
  const adapters = openAdapters(settings, options.variables);
  const { clock, random } = adapters;
  const listeners: Listener<Decision>[] = [...options.listeners];
  let daemon: Daemon | null = null;
  const assembly = assemble(settings, adapters, {
    log,
    listeners,
    onRuntimeChange: (services) => daemon?.nudges.nudge(services),
    followsEvents: true,
    watchOnly: shadow,
  });
  const { world, board, memory, desired } = assembly;
  const leadership = assembly.leadership();

  const alerting = openAlerting(settings, adapters, assembly, log, shadow ? [] : await openChannels(settings));
  const { publisher } = adapters;
  const leads = (): boolean => !shadow && leadership.standing().kind === "leader";
  const publishing = startPublishing({ clock, log, publisher, leads, standings: board.standings });
  const history = openHistory(adapters.coordination, clock);
  listeners.push(
    alerting,
    publishing,
    keepHistory(board, history, () => leadership.current()),
  );

  await desired.reload();
  alerting.touch();
  daemon = startDaemon({
    world,
    leadership,
    loadMemory: async () => {
      await memory.load();
      alerting.restore();
      forgetGone(Object.keys(memory.view().services).filter((name) => desired.current().services[name] === undefined));
      // For people only: nothing waits for it, and nothing is decided by it.
      void history.load().then(
        (kept) => Object.entries(kept).forEach(([service, entries]) => board.restore(service, entries)),
        (error: unknown) => log.debug({ event: EVENT.memoryRefused, error }, "history cannot be read"),
      );
    },
    watchRegistry: (hints, signal) => watchRegistry({ registry: adapters.registry, clock, random }, hints, { signal }),
    swarm: adapters.tools.swarm,
    shadow,
    log,
  });
  const running = daemon;
  const unsubscribe = leadership.onChange(() => {
    alerting.touch();
    publishing.touch();
  });

  /** What is asked for no more needs no memory; while the files are wrong, nothing is known to be gone. */
  const forgetGone = (services: readonly string[]): void => {
    if (services.length === 0 || desired.trouble() !== null || !leads()) return;
    const nothing = Object.fromEntries(services.map((name) => [name, null]));
    // A pass that is under way for one of them would write its memory once more.
    void running.nudges.exclusive(services, () => memory.commit(leadership.current(), { services: nothing }));
    for (const name of services) history.save(leadership.current(), name, []);
  };
  const reload = async (confirmed?: string): Promise<void> => {
    const outcome = await desired.reload(confirmed);
    alerting.touch();
    if (outcome.kind !== "changed") return;
    board.forget(outcome.gone);
    options.onGone(outcome.gone);
    forgetGone(outcome.gone);
    for (const service of outcome.gone) world.eyes.tally.forget(service);
    await running.resync();
  };
  const watching = diskWatcher().watch(
    settings.desiredState,
    () => void reload(),
    () => undefined,
  );
  // What was written between the first read and the watch has been told by nobody.
  void reload();
  const endResync = schedule(settings.resync.schedule, settings.resync.timezone, async () => {
    // A change of the files that was not told of is made good here, like every other.
    await reload();
    await running.resync();
  });

  return {
    controller: openController({
      world,
      board,
      live: true,
      lookAnew: async () => undefined,
      controller: () => controllerReport(leadership.standing(), shadow, clock.wallMs() - clock.steadyMs()),
      async run(services, agreed) {
        await mustLead();
        return running.pass(services, agreed);
      },
      exclusive: running.nudges.exclusive,
      takeOffice: mustLead,
      alerting,
      troubles: () => desired.trouble()?.problems.map(({ message }) => message) ?? [],
      nudge: (services) => running.nudges.nudge(services),
      confirm: (hash) => reload(hash),
      close: async () => undefined,
    }),
    waitingFor: running.waitingFor,
    reload,
    onLeadership(told) {
      told(leads());
      return leadership.onChange(() => told(leads()));
    },
    async stop() {
      endResync();
      unsubscribe();
      await watching.close();
      // In this order, so that what is said last is still said: publishing and alerts need the lock.
      await publishing.close();
      await alerting.close();
      await history.flush();
      await running.stop();
      adapters.close();
    },
  };

  async function mustLead(): Promise<void> {
    const standing = leadership.standing();
    if (standing.kind === "leader" && !shadow) return;
    if (shadow) {
      const advice = "nothing was done; start it as `heal run` to act, or stop it and run this command again";
      throw new NotLeader("the daemon of this machine only watches (`heal run --dry-run`)", advice);
    }
    if (standing.kind !== "follower") throw new NotLeader(`this daemon does not lead now: ${standing.kind}`);
    const { node, processId } = standing.holder;
    throw new NotLeader(`this daemon does not lead: ${node} (process ${processId}) does`, askThere(node));
  }
}

type Standing = ReturnType<ReturnType<typeof assemble>["leadership"]>["standing"] extends () => infer S ? S : never;

function controllerReport(standing: Standing, shadow: boolean, wallAheadMs: number): ControllerReport {
  const since = new Date(standing.sinceMs + wallAheadMs).toISOString();
  const role = standing.kind === "leader" || standing.kind === "suspended" ? standing.kind : "follower";
  const leader =
    standing.kind === "follower"
      ? `${standing.holder.node}/${standing.holder.processId}`
      : standing.kind === "leader"
        ? "this daemon"
        : null;
  return { version, role: shadow ? "shadow" : role, leader, since };
}
