import { diskFiles } from "../adapters/files/disk-files.ts";
import { diskWatcher } from "../adapters/files/disk-watcher.ts";
import { pinoLog } from "../adapters/log/pino-log.ts";
import type { Decision } from "../loop/reconcile.ts";
import { formatProblem } from "../model/problem.ts";
import type { Log } from "../ports/log.ts";
import { EVENT } from "../report/events.ts";
import type { Listener } from "../report/reporter.ts";
import type { Metrics } from "../server/metrics.ts";
import { openMetrics } from "../server/metrics.ts";
import { startServer } from "../server/start-server.ts";
import { loadSettings } from "../settings/load-settings.ts";
import { processFacts } from "../settings/process-facts.ts";
import type { Settings } from "../settings/settings.ts";
import { version } from "../version.ts";
import { countedLog } from "./counted-log.ts";
import { startRunning } from "./daemon.ts";

type Ending =
  | { readonly kind: "stop"; readonly signal: string }
  | { readonly kind: "settings"; readonly settings: Settings };

/**
 * The daemon until it is told to stop (SIGTERM, SIGINT). SIGHUP and changed files are taken up as they come: desired
 * state in place, settings by a clean restart of everything within this process. Settings that are wrong are told in
 * the log, and those in force stay. Rejects with `InUse`.
 */
export async function runDaemon(first: Settings, { shadow }: { readonly shadow: boolean }): Promise<void> {
  const metrics = openMetrics(version);
  let settings = first;
  for (;;) {
    const log = countedLog(pinoLog(settings.log.level, { environment: settings.environment }), metrics);
    log.info({ event: EVENT.controllerStarted, version, shadow, process: process.pid }, "heal is running");
    const ending = await runOnce(settings, shadow, log, metrics);
    if (ending.kind === "stop") {
      log.info({ event: EVENT.controllerStopped, signal: ending.signal }, "heal has stopped");
      return;
    }
    settings = ending.settings;
  }
}

async function runOnce(
  settings: Settings,
  shadow: boolean,
  log: Log,
  metrics: ReturnType<typeof openMetrics>,
): Promise<Ending> {
  const variables = (name: string): string | null => processFacts().variables[name] ?? null;
  const running = await startRunning({
    settings,
    variables,
    log,
    shadow,
    listeners: [measured(metrics)],
    onGone: (services) => metrics.forget(services),
  });
  const closing: (() => Promise<void>)[] = [() => running.stop()];
  try {
    const server = await startServer({
      controller: running.controller,
      settings: settings.server,
      version,
      readiness: () => {
        const reasons = running.waitingFor();
        return { ready: reasons.length === 0, reasons };
      },
      metrics,
      log,
    });
    closing.push(() => server.close());
    const unsubscribe = running.onLeadership((leads) => metrics.leader(leads));
    closing.push(async () => unsubscribe());
    return await ended(settings, running.reload, log, closing);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Resolves when a signal or new settings end this run. */
function ended(
  settings: Settings,
  reload: () => Promise<void>,
  log: Log,
  closing: (() => Promise<void>)[],
): Promise<Ending> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => resolve({ kind: "stop", signal });
    const look = async (asked: boolean): Promise<void> => {
      const next = await newSettings(settings, asked, log);
      if (next === null) await reload();
      else resolve({ kind: "settings", settings: next });
    };
    const hangUp = (): void => void look(true);
    process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", hangUp);
    closing.push(async () => {
      process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", hangUp);
    });
    if (settings.configFile === null) return;
    const watch = diskWatcher().watch(
      [settings.configFile],
      () => void look(false),
      () => undefined,
    );
    closing.push(() => watch.close());
  });
}

/**
 * The settings as they are now, if they are valid and either visibly other than those in force or asked for by a
 * person: a secret that was changed behind the same reference shows in nothing else.
 */
async function newSettings(settings: Settings, asked: boolean, log: Log): Promise<Settings | null> {
  const choice = { configPath: settings.configFile, environment: settings.environment };
  const loaded = await loadSettings(diskFiles(), { ...processFacts(), ...choice });
  if (loaded.kind === "invalid") {
    const problems = loaded.problems.map(formatProblem);
    log.error({ event: EVENT.settingsRefused, problems }, "settings refused; those in force stay");
    return null;
  }
  return asked || JSON.stringify(loaded.settings) !== JSON.stringify(settings) ? loaded.settings : null;
}

function measured(metrics: Metrics): Listener<Decision> {
  return {
    decided({ plan, observed }) {
      for (const { standing } of Object.values(plan.services)) metrics.standing(standing);
      const hosts = Object.values(observed.hosts);
      const silent = hosts.filter(({ engine }) => engine.kind === "unknown").length;
      metrics.hosts(hosts.length - silent, silent);
    },
    acted(_plan, results) {
      for (const result of results)
        metrics.actionFinished(result.action.kind, result.kind, result.kind === "skipped" ? 0 : result.tookMs);
    },
  };
}
