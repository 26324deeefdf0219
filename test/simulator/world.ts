import type { DesiredState, Service } from "../../src/model/service.ts";
import type { LoadedDesiredState } from "../../src/desired/load-desired-state.ts";
import { aDesiredState } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import { scaleComposeService } from "./compose.ts";
import type { ComposeFile } from "./compose.ts";
import { consulAgent, CONSUL } from "./consul-agent.ts";
import type { Agent } from "./consul-agent.ts";
import type { ConsulConditions } from "./consul-line.ts";
import { consulServers } from "./consul-servers.ts";
import type { ConsulServers } from "./consul-servers.ts";
import { consulKeys } from "./consul-sessions.ts";
import type { ConsulKeys } from "./consul-sessions.ts";
import type { Behaviour, TrueContainer } from "./container.ts";
import { isUp } from "./container.ts";
import { controllerFleet } from "./controllers.ts";
import type { ControllerFleet } from "./controllers.ts";
import { machine } from "./machine.ts";
import type { ContainerChange, Machine } from "./machine.ts";
import { naps } from "./naps.ts";
import type { Naps } from "./naps.ts";
import { network } from "./network.ts";
import type { Network } from "./network.ts";
import { channel } from "./notifier.ts";
import type { Channel } from "./notifier.ts";
import { dice } from "./random.ts";
import type { Dice } from "./random.ts";
import { redisClient } from "./redis-client.ts";
import { redisSafety } from "./redis-safety.ts";
import type { RedisSafety } from "./redis-safety.ts";
import { redisServers } from "./redis-servers.ts";
import type { RedisServers } from "./redis-servers.ts";
import type { Sabotage } from "./sabotage.ts";
import { rests } from "./rests.ts";
import type { Rests } from "./rests.ts";
import { safety } from "./safety.ts";
import type { Safety } from "./safety.ts";
import { scheduler } from "./scheduler.ts";
import type { Scheduler } from "./scheduler.ts";
import { swarmCluster } from "./swarm-cluster.ts";
import type { SwarmCluster } from "./swarm-cluster.ts";
import { truth } from "./truth.ts";
import type { Truth } from "./truth.ts";
import { stormyWeather } from "./weather.ts";
import type { StormyWeather } from "./weather.ts";
import type { WorldPlan } from "./world-plan.ts";

/** A whole simulated environment with its controllers; faults are done to it, invariants are read from it. */
export interface SimulatedWorld {
  readonly plan: WorldPlan;
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly network: Network;
  readonly weather: StormyWeather;
  readonly naps: Naps;
  readonly rests: Rests;
  readonly behaviours: Map<string, Behaviour>;
  /** Hosts, and the machines on which only a controller runs. */
  readonly machines: ReadonlyMap<string, Machine>;
  readonly hosts: readonly Machine[];
  readonly agents: ReadonlyMap<string, Agent>;
  readonly servers: ConsulServers;
  readonly keys: ConsulKeys;
  readonly conditions: ConsulConditions;
  readonly cluster: SwarmCluster | null;
  readonly composeFiles: readonly ComposeFile[];
  readonly channels: readonly Channel[];
  /** null in a world without Redis services. */
  readonly redis: RedisWorld | null;
  readonly truth: Truth;
  readonly safety: Safety;
  readonly controllers: ControllerFleet;
  desired(): DesiredState;
  /** As when somebody has written valid files. */
  wish(services: readonly Service[]): void;
  /** What the files are now: broken ones leave the last good state in force. */
  files(): LoadedDesiredState;
  breakFiles(broken: boolean): void;
  /** How wrong the machine's clock is: a controller that starts there takes it for its own. */
  skewOf(machine: string): number;
  /** What is planted in every controller that starts from now on. */
  sabotage: Sabotage;
  /** How often something worth reaching was reached. */
  readonly reached: Map<string, number>;
  count(name: string): void;
  /** Adds a line to the story, if anybody reads it. */
  tell(story: () => string): void;
  /** Power, daemons or cables have changed. */
  review(): void;
}

export interface RedisWorld {
  readonly servers: RedisServers;
  readonly safety: RedisSafety;
  /** Under which address each host is known to the others. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface WorldOptions {
  /** Receives the story line by line; null: nobody reads it. */
  readonly story: ((line: string) => void) | null;
}

export function buildWorld(plan: WorldPlan, { story }: WorldOptions): SimulatedWorld {
  const time = scheduler();
  const chance = dice(plan.seed, "run");
  const reached = new Map<string, number>();
  const count = (name: string): void => void reached.set(name, (reached.get(name) ?? 0) + 1);
  const tell = (line: () => string): void => story?.(`${clockTime(time.nowMs())}  ${line()}`);
  const cables = network();
  const pauses = naps();
  const waits = rests();
  const servers = consulServers(time, chance.fork("consul"));
  const keys = consulKeys(time, chance.fork("keys"), servers);
  const known = truth({
    scheduler: time,
    servers,
    environment: plan.environment,
    resyncMs: plan.resyncMs,
    swarmDownUntilMs: (name) => cluster?.downUntilMs(name) ?? Number.NEGATIVE_INFINITY,
  });
  const behaviours = new Map<string, Behaviour>();
  const machines = new Map<string, Machine>();
  const agents = new Map<string, Agent>();
  let desired = aDesiredState([], plan.environment);
  let broken = false;
  let cluster: SwarmCluster | null = null;
  let redis: RedisWorld | null = null;

  const onContainer = (container: TrueContainer, what: ContainerChange): void => {
    if (what !== "serving" && what !== "silent") known.changed(container);
    tell(() => `${container.name} (${container.id}) on ${container.machine}: ${what}`);
    redis?.servers.onContainer(container, what);
    agents.get(container.machine)?.lookAtProbes();
    if (container.swarmTaskId !== null && !isUp(container)) cluster?.onContainer(container);
  };
  const beforeSilence = (name: string): void => pauses.wake((question) => question.machine === name);
  for (const name of new Set([...plan.hosts, ...plan.controllers.map((one) => one.machine)])) {
    const own = chance.fork(name);
    const made = machine({ scheduler: time, dice: own, behaviours, onContainer, beforeSilence }, name);
    machines.set(name, made);
    const address = `10.0.0.${machines.size}`;
    agents.set(name, consulAgent({ scheduler: time, dice: own, network: cables, servers, machine: made, address }));
  }
  const hosts = plan.hosts.map((name) => machines.get(name)!);
  const weather = stormyWeather(chance.fork("weather"), known);
  const guard = safety({
    scheduler: time,
    truth: known,
    keys,
    environment: plan.environment,
    lockDelayMs: plan.lockDelayMs,
    tell,
    countReached: count,
  });
  if (plan.redis.length > 0) {
    const places = [...machines.values()].map((one, index) => [`10.0.0.${index + 1}`, one] as const);
    const addresses = Object.fromEntries(places.map(([address, one]) => [one.machine, address]));
    const redisDice = chance.fork("redis");
    const own = { scheduler: time, dice: redisDice, network: cables, count };
    const processes = redisServers({ ...own, machines: new Map(places), plans: plan.redis });
    const clients = plan.redis.map((one) => redisClient({ ...own, catalog: servers, servers: processes }, one));
    const witness = redisSafety({
      scheduler: time,
      truth: known,
      servers: processes,
      catalog: servers,
      clients,
      safety: guard,
      hosts: plan.hosts,
      countReached: count,
      tell,
      network: cables,
      agents,
      machines,
    });
    redis = { servers: processes, safety: witness, addresses };
    for (const agent of agents.values()) agent.compareRegularly();
  }
  const composeFiles = plan.compose.map(({ name, host }): ComposeFile => {
    const template = aTemplate(`${name}:1`, { restart: "no" });
    return { project: name, host, services: { [name]: { template, unscalable: null } } };
  });
  if (plan.swarm.length > 0) {
    for (const host of hosts) host.inSwarm = true;
    const reaches = (one: string): boolean => cables.path(one, CONSUL) === "open";
    cluster = swarmCluster({ scheduler: time, dice: chance.fork("swarm"), machines: hosts, reaches });
  }

  const world: SimulatedWorld = {
    plan,
    scheduler: time,
    dice: chance,
    network: cables,
    weather,
    naps: pauses,
    rests: waits,
    behaviours,
    machines,
    hosts,
    agents,
    servers,
    keys,
    conditions: { acl: "open", defaultLagMs: 0, empty: false },
    cluster,
    composeFiles,
    channels: [channel("mail"), channel("chat")],
    redis,
    truth: known,
    safety: guard,
    controllers: undefined as unknown as ControllerFleet,
    desired: () => desired,
    wish(services) {
      desired = aDesiredState(services, plan.environment);
      known.wishes(services);
      world.controllers?.desiredChanged();
    },
    files: () => (broken ? { kind: "invalid", problems: [garbled] } : { kind: "valid", desired }),
    breakFiles(isBroken) {
      broken = isBroken;
      world.controllers.desiredChanged();
    },
    skewOf: (name) => machines.get(name)?.clockOffsetMs ?? 0,
    sabotage: {},
    reached,
    count,
    tell,
    review() {
      for (const agent of agents.values()) agent.review();
      cluster?.review();
      redis?.servers.review();
    },
  };
  cables.onChange(pauses.look);
  weather.onSpell(pauses.look);
  cables.onChange(world.review);
  weather.onFate((fate) => count(fates[fate]));
  world.wish(plan.services);
  settleAdopted(world);
  (world as { controllers: ControllerFleet }).controllers = controllerFleet(world);
  return world;
}

/** What Swarm and Compose ran before `heal` came. */
function settleAdopted({ plan, cluster, composeFiles, machines, truth }: SimulatedWorld): void {
  for (const name of plan.swarm) {
    cluster?.create(name, aTemplate(`${name}:1`), {}, truth.wish(name)?.count ?? 1);
  }
  for (const { project, host, services } of composeFiles) {
    for (const [name, { template }] of Object.entries(services)) {
      scaleComposeService(machines.get(host)!, project, name, template, 1);
    }
  }
}

const fates = {
  normal: "",
  slow: "a request is slow",
  late: "a request is late",
  unreachable: "a connection is refused",
  "lost-request": "a request is lost",
  "lost-answer": "an answer is lost",
  refuse: "a request is refused",
  "kill-before": "a controller dies before a call",
  "kill-after": "a controller dies after a call",
  "stop-after": "a controller is suspended after a call",
} as const;

const garbled = { file: "live.json", line: 3, column: 7, message: "unexpected end", expected: "a value" };

function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const part = (value: number): string => String(value).padStart(2, "0");
  const rest = String(Math.round(ms % 1_000)).padStart(3, "0");
  return `${part(Math.floor(seconds / 3_600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}.${rest}`;
}
