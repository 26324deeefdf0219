import { setImmediate as breathe } from "node:timers/promises";
import type { Tools } from "../../../src/act/hands.ts";
import { realClock } from "../../../src/adapters/clock.ts";
import type { ConsulConnection } from "../../../src/adapters/consul/connection.ts";
import { consulRegistry } from "../../../src/adapters/consul/registry.ts";
import { silentLog } from "../../../src/adapters/log/silent-log.ts";
import { openLanes } from "../../../src/adapters/lanes.ts";
import { realRandom } from "../../../src/adapters/random.ts";
import { shareTexts } from "../../../src/adapters/shared-texts.ts";
import { startAlerting } from "../../../src/loop/alerting.ts";
import type { RegistryHints } from "../../../src/loop/daemon.ts";
import { startDaemon } from "../../../src/loop/daemon.ts";
import type { Fence } from "../../../src/loop/fence.ts";
import type { MemoryStore } from "../../../src/loop/memory.ts";
import type { Decision, World } from "../../../src/loop/reconcile.ts";
import { openWorld } from "../../../src/loop/world.ts";
import type { Memory } from "../../../src/model/memory.ts";
import { noFleetMemory } from "../../../src/model/memory.ts";
import { defaultTuning } from "../../../src/model/tuning.ts";
import { openBoard } from "../../../src/report/board.ts";
import { openReporter } from "../../../src/report/reporter.ts";
import type { Fleet } from "./fleet.ts";
import { ENVIRONMENT, nodeOf } from "./fleet.ts";
import { answeringEngine } from "./answering-engine.ts";
import type { Answers } from "./answers-on-disk.ts";

/**
 * The daemon with everything that is its own, in this process, over answers that are texts already: no socket, no
 * server, no other process. What it asks for is counted.
 */
export interface InProcess {
  readonly asked: Asked;
  /** Reads all anew, and is done when every service has been looked at. */
  resync(): Promise<void>;
  /** As every minute: Docker anew, Consul what has been known longest. */
  resyncByClock(): Promise<void>;
  /** Consul says that these have changed. */
  hint(services: readonly string[]): Promise<void>;
  /** Its first registration changes in Consul, which says so: milliseconds until a pass has decided about it. */
  lookedAt(service: string): Promise<number>;
  /** As if Docker had told it: no answer is out of date. */
  nudge(services: readonly string[]): Promise<void>;
  /** What Consul answers of a service from now on; null: as at first. */
  answer(service: string, text: string | null): void;
  readonly world: World;
  stop(): Promise<void>;
}

export interface Asked {
  consul: number;
  consulBytes: number;
  docker: number;
  dockerBytes: number;
  /** Of the engines, also by the clock. */
  pings: number;
  /** Writes to Docker and Consul: none is expected of a healthy fleet. */
  actions: number;
  /** Transactions that write Memory. */
  commits: number;
  passes: number;
  /** Services that passes have planned. */
  planned: number;
}

/** `consul`: a real one instead of the answers. */
export async function openInProcess(
  fleet: Pick<Fleet, "desired" | "hosts">,
  answers: Answers,
  consul?: ConsulConnection,
): Promise<InProcess> {
  const asked: Asked = {
    consul: 0,
    consulBytes: 0,
    docker: 0,
    dockerBytes: 0,
    pings: 0,
    actions: 0,
    commits: 0,
    passes: 0,
    planned: 0,
  };
  const clock = realClock();
  const told = new Map<string, string>();
  let changes = 300_000;
  const connection = consul ?? answeringConsul((service) => told.get(service) ?? answers.health(service), asked);
  const share = shareTexts();
  const oneByOne = openLanes(1);
  const turn = (): Promise<void> => oneByOne(() => breathe());
  const engines = Object.fromEntries(
    fleet.hosts.map((host) => [
      host,
      answeringEngine({ host, turn, text: () => answers.listed(host), clock, asked, share }),
    ]),
  );
  const tools: Tools = {
    environment: ENVIRONMENT,
    engines,
    hostAddresses: Object.fromEntries(fleet.hosts.map((host) => [host, "10.0.0.1"])),
    swarm: null,
    compose: null,
    registry: consulRegistry({
      clock,
      connection,
      agents: Object.fromEntries(fleet.hosts.map((host) => [host, consul === undefined ? connection : agentOf(host)])),
    }),
    clock,
    startsPerHost: 4,
    secrets: { file: async () => "", variable: () => null },
    policyBreach: () => null,
  };
  const memory = keptMemory(asked);
  const fence: Fence = { lease: { sessionId: "s", lockIndex: 1 }, mayAct: () => true, assertMayAct: () => "s@1" };
  const standing = () => ({ kind: "leader", lease: { sessionId: "s", lockIndex: 1 }, sinceMs: 0 }) as const;
  const desired = {
    current: () => fleet.desired,
    trouble: () => null,
    reload: async () => ({ kind: "same" }),
  } as never;
  const alerting = startAlerting({
    clock,
    random: realRandom(),
    log: silentLog,
    memory,
    fence: () => fence,
    leadership: standing,
    desired,
    channels: [],
    rules: { routes: { default: { critical: [], warning: [], fallback: [] } }, timezone: "UTC" } as never,
    commandSuffix: "",
  });
  const awaited = new Map<string, () => void>();
  const counting = {
    decided({ plan }: Decision) {
      asked.passes += 1;
      asked.planned += Object.keys(plan.services).length;
      for (const [name, tell] of awaited) if (plan.services[name] !== undefined) tell();
    },
  };
  let daemon: ReturnType<typeof startDaemon> | null = null;
  const world = openWorld({
    tools,
    desired: () => fleet.desired,
    memory,
    fence: () => fence,
    report: openReporter({ board: openBoard(ENVIRONMENT), clock, log: silentLog, listeners: [alerting, counting] }),
    tuning: defaultTuning,
    onRuntimeChange: (services) => daemon?.nudges.nudge(services),
  });
  let hints: RegistryHints | null = null;
  daemon = startDaemon({
    world,
    leadership: {
      current: () => fence,
      standing,
      onChange: () => () => undefined,
      settled: async () => standing(),
      stop: async () => undefined,
    },
    loadMemory: async () => undefined,
    watchRegistry: (told, signal) => {
      hints = told;
      told.onHint("all");
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
    swarm: null,
    shadow: false,
    log: silentLog,
  });
  const running = daemon;
  const settled = async (): Promise<void> => {
    await clock.sleep(0);
    await running.nudges.idle();
  };
  while (running.waitingFor().length > 0) await clock.sleep(5);
  await settled();
  return {
    asked,
    world,
    async resync() {
      hints?.onHint("all");
      await running.resync();
      await settled();
    },
    async resyncByClock() {
      await running.resync();
      await settled();
    },
    async hint(services) {
      hints?.onHint(services);
      await settled();
    },
    lookedAt: (service) =>
      new Promise((resolve) => {
        const before = told.get(service) ?? answers.health(service);
        told.set(
          service,
          before.replace(/"ModifyIndex":(\d+)\},"Checks"/, `"ModifyIndex":${(changes += 1)}},"Checks"`),
        );
        const beganMs = clock.steadyMs();
        awaited.set(service, () => {
          awaited.delete(service);
          resolve(clock.steadyMs() - beganMs);
        });
        hints?.onHint([service]);
      }),
    async nudge(services) {
      running.nudges.nudge(services);
      await settled();
    },
    answer: (service, text) => void (text === null ? told.delete(service) : told.set(service, text)),
    async stop() {
      await alerting.close();
      await running.stop();
    },
  };
}

/** Only says which node it is. */
function agentOf(host: string): ConsulConnection {
  const text = JSON.stringify({ Config: { NodeName: nodeOf(host) } });
  return { url: host, request: async () => ({ status: 200, headers: {}, text }), close: () => undefined };
}

function answeringConsul(health: (service: string) => string, asked: Asked): ConsulConnection {
  // As many at once as a real connection allows.
  const lanes = openLanes(32);
  const headers = { "x-consul-index": "200000", "x-consul-knownleader": "true", "x-consul-lastcontact": "0" };
  return {
    url: "memory",
    request: ({ method, path }) =>
      lanes(async () => {
        await breathe();
        const [area, kind, name = ""] = path;
        const text =
          area === "health" && kind === "service"
            ? health(name)
            : area === "agent"
              ? '{"Config":{"NodeName":""}}'
              : "[]";
        asked.consul += 1;
        asked.consulBytes += text.length;
        if (method !== "GET") asked.actions += 1;
        return { status: 200, headers, text };
      }),
    close: () => undefined,
  };
}

/** Memory that is written nowhere. */
function keptMemory(asked: Asked): MemoryStore {
  let kept: Memory = { fleet: noFleetMemory, services: {} };
  let alerts: unknown = null;
  return {
    view: () => kept,
    alerts: () => alerts,
    setAside: () => [],
    load: async () => undefined,
    async commit(_fence, update) {
      const services = update.services ?? {};
      if (update.alerts !== undefined) alerts = update.alerts;
      if (Object.keys(services).length === 0 && update.fleet === undefined) return null;
      asked.commits += 1;
      kept = { fleet: update.fleet ?? kept.fleet, services: { ...kept.services, ...services } as Memory["services"] };
      return null;
    },
    holds: () => false,
  };
}
