import type { Plan } from "../model/plan.ts";
import type { Service } from "../model/service.ts";
import { giveUpDead } from "../observe/hosts.ts";
import { mayBeSwarm } from "../observe/ownership.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Swarm } from "../ports/swarm.ts";
import { EVENT } from "../report/events.ts";
import { derived, servicesBy } from "./derived.ts";
import type { Leadership } from "./leadership.ts";
import type { Nudges } from "./nudges.ts";
import type { LeadershipStanding } from "./standing.ts";
import { openNudges } from "./nudges.ts";
import type { Pass, PassOptions, World } from "./reconcile.ts";
import { decide, reconcile } from "./reconcile.ts";

/** Told by whoever watches Consul; hints, never facts. */
export interface RegistryHints {
  onHint(consulNames: readonly string[] | "all"): void;
  onTrouble(reason: string): void;
  onRecovered(): void;
}

export interface DaemonParts {
  readonly world: World;
  readonly leadership: Leadership;
  /** Reads Memory anew under a new leadership. Rejects when it cannot be read: nothing is done until it can. */
  readonly loadMemory: () => Promise<void>;
  readonly watchRegistry: (hints: RegistryHints, signal: AbortSignal) => Promise<void>;
  readonly swarm: Swarm | null;
  /** Everything but acting: for trying `heal` beside what a team has today. */
  readonly shadow: boolean;
  readonly log: Log;
}

export interface Daemon {
  readonly nudges: Nudges;
  /** What is still missing before the world is known; empty when nothing is. */
  readonly waitingFor: () => readonly string[];
  /** Looks at everything anew: what events have missed is made good here. */
  resync(): Promise<void>;
  /** A pass over these services, once none is under way; rejects with what `agreed` throws. */
  pass(services: readonly string[], agreed: (plan: Plan) => void): Promise<Pass>;
  stop(): Promise<void>;
}

/** After a failure that has no delay of its own, the service is looked at again this much later. */
const RETRY_MS = 1_000;
/** Engines that are there list what they run within milliseconds. */
const LOOK_AROUND_MS = 200;
const SWARM_RETRY_MAX_MS = 30_000;

/**
 * The long-running `heal`: events from Docker, Swarm and Consul nudge, nudges become passes, and a pass acts if this
 * process leads. A follower observes and plans all the same, so that it knows the world when it takes over.
 */
export function startDaemon(parts: DaemonParts): Daemon {
  const { world, leadership, log } = parts;
  const { clock } = world;
  const stopping = new AbortController();
  const { signal } = stopping;
  let memoryLoaded = false;
  const starting = new Set<string>(["Docker has not been listed yet", "Consul has not answered yet"]);

  const byConsulName = derived(world.desired, (desired) => servicesBy(desired, (service) => [consulNameOf(service)]));
  const servicesOf = (consulNames: readonly string[]): readonly string[] =>
    consulNames.flatMap((name) => byConsulName().get(name) ?? []);

  const nudges = openNudges({
    clock,
    all: () => Object.keys(world.desired().services),
    pass: async (names, settled, decided) => {
      try {
        await run(names, { settled, decided, about: "news" });
      } catch (error) {
        // A pass never rejects for anything the world does: this is a bug of ours. The service is tried again later.
        log.error({ event: EVENT.passFailed, services: names, error }, "pass failed: this is a bug in heal");
        for (const name of names) nudges.wakeAt(name, clock.steadyMs() + RETRY_MS);
      }
    },
  });

  const run = async (names: readonly string[], options: PassOptions): Promise<Pass> => {
    const beganMs = clock.steadyMs();
    const acts = !parts.shadow && memoryLoaded && world.fence().mayAct();
    const pass = acts
      ? await reconcile(world, names, options)
      : { ...(await decide(world, names, "mirror", options.about)), results: [], unwritten: [] };
    scheduleNext(pass);
    const tookMs = clock.steadyMs() - beganMs;
    log.debug(
      { event: EVENT.passFinished, services: names.length, actions: pass.results.length, tookMs },
      "pass finished",
    );
    return pass;
  };
  const scheduleNext = ({ plan, results, unwritten }: Pass): void => {
    const nowMs = clock.steadyMs();
    const failed = results.filter(({ kind }) => kind !== "done").map(({ action }) => action.service);
    // What Memory did not take is as if it had not been seen, also where nothing was to be done about it.
    const retry = new Set([...failed, ...unwritten]);
    const acted = new Set(results.map(({ action }) => action.service));
    const { services } = world.desired();
    world.eyes.registry.invalidate([...acted].map((name) => consulNameOf(services[name] ?? { name, consul: null })));
    for (const { service, lookAgainAtMs, needsLook } of Object.values(plan.services)) {
      const soon = retry.has(service) || needsLook !== null || acted.has(service) ? nowMs + RETRY_MS : null;
      const times = [soon, lookAgainAtMs].filter((time) => time !== null);
      nudges.wakeAt(service, times.length === 0 ? null : Math.min(...times));
    }
  };

  /** What a follower has missed of what the leader did would be done once more; who is slow to answer is not waited for. */
  const lookAround = (): Promise<unknown> =>
    Promise.race([Promise.all(world.eyes.hosts.map((host) => host.refresh())), clock.sleep(LOOK_AROUND_MS, signal)]);
  const takeOffice = async (): Promise<void> => {
    memoryLoaded = false;
    try {
      await Promise.all([parts.loadMemory(), lookAround()]);
      memoryLoaded = true;
      nudges.nudge(null);
    } catch (error) {
      log.warn({ event: EVENT.memoryRefused, error }, "memory cannot be read; nothing is done until it can");
      clock.after(RETRY_MS, () => {
        if (!signal.aborted && leadership.standing().kind === "leader") void takeOffice();
      });
    }
  };
  const tell = (standing: LeadershipStanding): void =>
    log.info({ event: EVENT.leadershipChanged, standing }, "leadership changed");
  const unsubscribe = leadership.onChange((standing) => {
    tell(standing);
    if (standing.kind === "leader") void takeOffice();
    else nudges.nudge(null);
  });
  // The election began while the desired state was read: it may be over already, and will not be told of again.
  const already = leadership.standing();
  if (already.kind !== "seeking") tell(already);
  if (already.kind === "leader") void takeOffice();

  const hints: RegistryHints = {
    onHint(names) {
      starting.delete("Consul has not answered yet");
      world.eyes.registry.invalidateNodes();
      world.eyes.registry.invalidate(names === "all" ? null : names);
      const services = names === "all" ? null : servicesOf(names);
      nudges.nudge(services);
      // A host that has died takes services along that are ours, or nothing hangs on it; one that is back may have none yet.
      if (services === null || services.length > 0) probeAll();
      else for (const host of world.eyes.hosts) if (host.engine().kind === "unknown") void host.probe();
    },
    onTrouble(reason) {
      log.warn({ event: EVENT.consulTrouble, reason }, "Consul cannot be relied on");
      world.eyes.registry.setTrouble(reason);
      nudges.nudge(null);
    },
    onRecovered() {
      log.info({ event: EVENT.consulRecovered }, "Consul answers again");
      world.eyes.registry.setTrouble(null);
      nudges.nudge(null);
    },
  };
  /** Consul has news, and a host may have died: ask the engines now instead of at their next turn. */
  const probeAll = (): void => {
    void giveUpDead(world.eyes.hosts, world.eyes.registry, world.eyes.identities);
    for (const host of world.eyes.hosts) void host.probe();
  };

  const resync = async (): Promise<void> => {
    world.eyes.registry.invalidateOldest();
    world.eyes.swarm.invalidate(null);
    await Promise.all([world.eyes.learnNodes(), followLeader(), ...world.eyes.hosts.map((host) => host.refresh())]);
    nudges.nudge(null);
  };
  /** Who does not lead learns what the leader remembers, to see services as it does: paused, backing off. */
  const followLeader = async (): Promise<void> => {
    if (leadership.standing().kind === "leader") return;
    await parts.loadMemory().catch((error: unknown) => {
      log.debug({ event: EVENT.memoryRefused, error }, "the leader's memory cannot be read");
    });
  };

  const followers = [
    ...world.eyes.hosts.map((host) => host.follow(signal)),
    parts.watchRegistry(hints, signal),
    ...(world.eyes.redis === undefined ? [] : [world.eyes.redis.follow(signal)]),
    ...(parts.swarm === null ? [] : [followSwarm(parts.swarm, world, nudges, clock, signal)]),
    resync().then(() => starting.delete("Docker has not been listed yet")),
  ];

  return {
    nudges,
    waitingFor: () => [...starting],
    resync,
    pass: (services, agreed) => nudges.exclusive(services, () => run(services, { agreed })),
    async stop() {
      unsubscribe();
      await nudges.stop();
      stopping.abort();
      await Promise.all([leadership.stop(), ...followers]);
    },
  };
}

/**
 * Swarm tells of services and nodes only; its tasks' containers are told of by the engines. Where nothing can be run by
 * Swarm nothing is followed, until something can.
 */
async function followSwarm(
  swarm: Swarm,
  world: World,
  nudges: Nudges,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const changed = (name: string | null): void => {
    world.eyes.swarm.invalidate(name);
    const services = Object.values(world.desired().services).filter(
      (service) => mayBeSwarm(service) && (name === null || service.adopt.swarmService === name),
    );
    nudges.nudge(services.map((service) => service.name));
  };
  let waitMs = RETRY_MS;
  const opened = (): void => {
    waitMs = RETRY_MS;
    changed(null);
  };
  while (!signal.aborted) {
    if (Object.values(world.desired().services).some(mayBeSwarm)) {
      // The stream broke, or there is no Swarm: what it may have missed is looked up when it is open, and at resyncs.
      await swarm.follow(signal, opened, changed).catch(() => changed(null));
    }
    await clock.sleep(waitMs, signal);
    waitMs = Math.min(SWARM_RETRY_MAX_MS, waitMs * 2);
  }
}

function consulNameOf({ name, consul }: Pick<Service, "name" | "consul">): string {
  return consul?.name ?? name;
}
