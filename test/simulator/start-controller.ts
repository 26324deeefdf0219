import { watchRegistry } from "../../src/adapters/consul/watch.ts";
import type { RedisTools, Tools } from "../../src/act/hands.ts";
import { checkPolicy } from "../../src/desired/policy.ts";
import { startAlerting } from "../../src/loop/alerting.ts";
import type { Alerting } from "../../src/loop/alerting.ts";
import { startDaemon } from "../../src/loop/daemon.ts";
import type { Daemon } from "../../src/loop/daemon.ts";
import { openDesiredSource } from "../../src/loop/desired-source.ts";
import { openHistory } from "../../src/loop/history.ts";
import { keepHistory } from "../../src/loop/keep-history.ts";
import { startLeadership } from "../../src/loop/leadership.ts";
import type { Leadership } from "../../src/loop/leadership.ts";
import { defaultTerms } from "../../src/loop/lease.ts";
import { openMemory } from "../../src/loop/memory.ts";
import type { Decision } from "../../src/loop/reconcile.ts";
import { openRedisControl } from "../../src/loop/redis-control.ts";
import { openWorld } from "../../src/loop/world.ts";
import type { AlertRules } from "../../src/model/alert.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import type { RedisControl } from "../../src/ports/controller.ts";
import type { Log } from "../../src/ports/log.ts";
import { openBoard } from "../../src/report/board.ts";
import type { Board } from "../../src/report/board.ts";
import { openReporter } from "../../src/report/reporter.ts";
import type { Listener } from "../../src/report/reporter.ts";
import { simulatedCompose } from "./compose.ts";
import type { TrueContainer } from "./container.ts";
import type { ConsulDeps } from "./consul-line.ts";
import { simulatedCoordination } from "./coordination.ts";
import { simulatedEngine } from "./engine.ts";
import { simulatedLog } from "./log.ts";
import { simulatedNotifier } from "./notifier.ts";
import { startProcess } from "./process.ts";
import type { Process } from "./process.ts";
import { simulatedRedis } from "./redis.ts";
import { simulatedRegistry } from "./registry.ts";
import { simulatedRoleTags } from "./role-tags.ts";
import type { Safety } from "./safety.ts";
import { simulatedSwarm } from "./swarm.ts";
import type { RedisWorld, SimulatedWorld } from "./world.ts";

export interface Controller {
  readonly process: Process;
  readonly daemon: Daemon;
  readonly leadership: Leadership;
  readonly board: Board;
  /** What a person can ask about Redis roles. */
  readonly roles: RedisControl;
  readonly desiredChanged: () => void;
  /** As on SIGTERM, in the daemon's own order. */
  readonly stop: () => Promise<void>;
}

const same = <T>(part: T): T => part;

/** Puts the real parts together as the daemon's own wiring does, on simulated ports, and starts them. */
export function startController(world: SimulatedWorld, name: string, machine: string, starts: number): Controller {
  const { plan, sabotage } = world;
  const process = startProcess(
    world.scheduler,
    world.dice.fork(`${name} ${starts}`),
    name,
    machine,
    world.skewOf(machine),
    world.naps,
  );
  const clock = (sabotage.clock ?? same)(process.clock);
  const random = process.dice;
  const log = logOf(world, name);
  const consul = consulOf(world, process);
  const coordination = (sabotage.coordination ?? same)(simulatedCoordination(consul));
  const tools = (sabotage.tools ?? same)({ ...toolsOf(world, process, consul), clock });

  const terms = { ...defaultTerms, checkTtlMs: plan.checkTtlMs, lockDelayMs: plan.lockDelayMs };
  const holder = { node: machine, processId: starts, version: "0.0.0", address: null };
  const election = { holder, terms: (sabotage.terms ?? same)(terms) };
  const leadership = (sabotage.leadership ?? same)(startLeadership({ coordination, clock, random }, election));
  const holdUnreadableMs = defaultTuning.inFlightMs;
  const memory = (sabotage.memory ?? same)(openMemory({ coordination, clock, random }, { holdUnreadableMs }));
  const board = openBoard(plan.environment);
  const load = async () => world.files();
  const source = (sabotage.source ?? same)(openDesiredSource({ load, clock, log, environment: plan.environment }));

  const listeners: Listener<Decision>[] = [];
  const loopWorld = (sabotage.world ?? same)(
    openWorld({
      tools,
      desired: source.current,
      memory,
      fence: leadership.current,
      report: openReporter({ board, clock, log, listeners }),
      tuning: defaultTuning,
      onRuntimeChange: (services) => daemon.nudges.nudge(services),
    }),
  );
  const alerting = startAlerting({
    clock,
    random,
    log,
    memory,
    fence: leadership.current,
    leadership: leadership.standing,
    desired: source,
    channels: world.channels.map((channel) => ({
      notifier: (sabotage.notifier ?? same)(simulatedNotifier(process, channel, () => world.count("alert told"))),
      timeoutMs: 10_000,
      attempts: 3,
    })),
    rules: alertRules,
    commandSuffix: "",
  });
  const history = openHistory(coordination, clock);
  listeners.push(keepHistory(board, history, () => leadership.current()));
  if (plan.alerts) listeners.push(alerting);

  const daemon: Daemon = startDaemon({
    world: loopWorld,
    leadership,
    loadMemory: async () => {
      await memory.load();
      if (plan.alerts) alerting.restore();
      void history.load().catch(() => {});
    },
    watchRegistry: async (hints, signal) => {
      if (sabotage.noWatch !== true)
        await watchRegistry({ registry: tools.registry, clock, random }, hints, { signal });
    },
    swarm: tools.swarm,
    shadow: false,
    log,
  });
  if (plan.alerts) leadership.onChange(() => alerting.touch());
  const reload = async (): Promise<void> => {
    const outcome = await source.reload();
    if (plan.alerts) alerting.touch();
    if (outcome.kind !== "changed") return;
    board.forget(outcome.gone);
    for (const service of outcome.gone) loopWorld.eyes.tally.forget(service);
    await daemon.resync();
  };
  void reload();
  const resync = (): void => {
    void daemon.resync();
    clock.after(plan.resyncMs, resync);
  };
  if (sabotage.noResync !== true) clock.after(plan.resyncMs, resync);
  return {
    process,
    daemon,
    leadership,
    board,
    roles: openRedisControl({
      world: loopWorld,
      run: daemon.pass,
      exclusive: daemon.nudges.exclusive,
      takeOffice: async () => {},
    }),
    desiredChanged: () => void clock.after(random.int(50, 500), () => void reload()),
    stop: () => stopInOrder(daemon, alerting, history.flush),
  };
}

async function stopInOrder(daemon: Daemon, alerting: Alerting, flush: () => Promise<void>): Promise<void> {
  await alerting.close();
  await flush();
  await daemon.stop();
}

const route = { fallback: [], waitMs: 30_000, repeatMs: 4 * 3_600_000, quietHours: null };
const alertRules: AlertRules = {
  routes: { default: { ...route, critical: ["mail", "chat"], warning: ["mail"] } },
  timezone: "UTC",
};

/** A pass that rejects is a bug of ours, whatever the world did. */
function logOf(world: SimulatedWorld, name: string): Log {
  return simulatedLog(name, (who, level, data, message) => {
    world.count(`log ${data.event}`);
    if (typeof data["rule"] === "string") world.count(`rule ${data["rule"]}: ${data.event}`);
    if (typeof data["heldBy"] === "string") world.count(`held by ${data["heldBy"]}`);
    if (data.event === "pass.failed")
      world.safety.violate("bug", `${who}: ${message}: ${String((data["error"] as Error).stack)}`);
    if (level !== "debug") world.tell(() => `  ${who} ${level}: ${message} ${JSON.stringify(data)}`);
  });
}

function consulOf(world: SimulatedWorld, process: Process): ConsulDeps & { readonly witness: Safety } {
  const { servers, keys, network, weather, conditions, safety } = world;
  return {
    process,
    agent: world.agents.get(process.machine)!,
    servers,
    keys,
    network,
    weather,
    conditions,
    witness: safety,
    queries: safety.queries,
    rests: world.rests,
  };
}

function toolsOf(world: SimulatedWorld, process: Process, consul: ReturnType<typeof consulOf>): Omit<Tools, "clock"> {
  const { plan, network, weather, cluster, composeFiles } = world;
  const shared = { process, network, weather, witness: world.safety };
  const pings = { naps: world.naps, truth: world.truth };
  const copyAside = (container: TrueContainer): boolean => world.redis?.servers.copyAside(container) ?? false;
  const engines = world.hosts.map(
    (host) => [host.machine, simulatedEngine({ ...shared, machine: host, copyAside, pings })] as const,
  );
  const managers = world.hosts.filter((host) => host.inSwarm);
  const machines = Object.fromEntries(world.machines);
  return {
    environment: plan.environment,
    engines: Object.fromEntries(engines),
    hostAddresses: Object.fromEntries(plan.hosts.map((host) => [host, world.redis?.addresses[host] ?? null])),
    swarm: cluster === null ? null : simulatedSwarm({ ...shared, cluster, managers }),
    compose: composeFiles.length === 0 ? null : simulatedCompose({ ...shared, machines, files: composeFiles }),
    registry: simulatedRegistry({
      ...consul,
      agents: Object.fromEntries(plan.hosts.map((host) => [host, world.agents.get(host)!])),
    }),
    ...(world.redis === null ? {} : { redis: redisOf(world, world.redis, process, consul) }),
    startsPerHost: 4,
    secrets: { file: async () => "", variable: () => null },
    policyBreach: (service) => checkPolicy(service, { allow: [] })[0]?.message ?? null,
  };
}

function redisOf(
  world: SimulatedWorld,
  { servers, safety }: RedisWorld,
  process: Process,
  consul: ReturnType<typeof consulOf>,
): RedisTools {
  const { network, weather } = world;
  return {
    nodes: simulatedRedis({ process, network, weather, servers, witness: safety }),
    tags: simulatedRoleTags({ ...consul, witness: safety, blind: world.sabotage.blindRetag === true }),
  };
}
