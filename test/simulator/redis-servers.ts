import { LABEL } from "../../src/model/labels.ts";
import type { RedisAddress } from "../../src/model/redis.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { ContainerChange, Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Dice } from "./random.ts";
import { branchedOff, noData, withOneMore } from "./redis-data.ts";
import type { Dataset } from "./redis-data.ts";
import type { RedisPlan } from "./redis-plan.ts";
import { isHung } from "./redis-process.ts";
import type { RedisProcess } from "./redis-process.ts";
import { redisReplication } from "./redis-replication.ts";
import type { Replication } from "./redis-replication.ts";
import type { Scheduler } from "./scheduler.ts";

export interface RedisServersDeps {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly network: Network;
  /** By the address that other machines know each by. */
  readonly machines: ReadonlyMap<string, Machine>;
  readonly plans: readonly RedisPlan[];
}

export type WriteAnswer = "ok" | "readonly" | "no-replicas" | "loading" | "denied" | "failing";

/** All Redis processes of a world, in the containers of the services that are Redis. */
export interface RedisServers {
  readonly replication: Replication;
  onContainer(container: TrueContainer, what: ContainerChange): void;
  /** Who listens there now, or will. */
  at(address: RedisAddress): RedisProcess | null;
  of(container: TrueContainer): RedisProcess | null;
  addressOf(process: RedisProcess): RedisAddress | null;
  machineAt(host: string): Machine | null;
  /** Those that have not ended. */
  living(service: string): readonly RedisProcess[];
  /** A client's write; `answer` is called when the process answers, if it does. */
  write(process: RedisProcess, answer: (outcome: WriteAnswer) => void): void;
  holdWrites(process: RedisProcess, forMs: number): void;
  save(process: RedisProcess): void;
  /** Copies aside what was saved last. */
  copyAside(container: TrueContainer): boolean;
  setStopped(process: RedisProcess, stopped: boolean): void;
  /** Moods may have changed. */
  review(): void;
  /** Calls back when a replica is about to lose what it holds. */
  onFlush(look: (replica: RedisProcess) => void): void;
}

const WRITE_BYTES = 60;
const PING_BYTES = 14;
const SNAPSHOT_EVERY_MS = 60_000;

export function redisServers(deps: RedisServersDeps): RedisServers {
  const { scheduler, dice, network, machines } = deps;
  const plans = new Map(deps.plans.map((plan) => [plan.name, plan]));
  const processes = new Map<TrueContainer, RedisProcess>();
  const disks = new Map<string, { data: Dataset; atMs: number }>();
  const places = new Map([...machines].map(([address, { machine }]) => [machine, address]));
  let seconds = 0;
  let flushed = (_replica: RedisProcess): void => {};

  const planOf = ({ labels }: TrueContainer): RedisPlan | undefined => plans.get(labels[LABEL.service] ?? "");
  const diskOf = (container: TrueContainer): string =>
    planOf(container)?.volume === true
      ? `${container.machine} ${container.labels[LABEL.service]} ${container.labels[LABEL.slot]}`
      : container.id;
  const isPowered = (name: string): boolean => machines.get(places.get(name) ?? "")?.powered() ?? false;
  const at = ({ host, port }: RedisAddress): RedisProcess | null => {
    const machine = machines.get(host);
    if (machine === undefined || !machine.powered()) return null;
    for (const [container, process] of processes) {
      if (process.ended || container.machine !== machine.machine) continue;
      if (container.ports.some((published) => published.host === port)) return process;
    }
    return null;
  };
  const replication = redisReplication({
    scheduler,
    dice,
    network,
    isPowered,
    at,
    onFlush: (replica) => flushed(replica),
  });

  const begin = (container: TrueContainer, service: string): void => {
    const saved = disks.get(diskOf(container));
    const process: RedisProcess = {
      container,
      service,
      runId: dice.uuid(),
      listening: false,
      ended: false,
      stopped: false,
      failing: false,
      locked: false,
      loadingUntilMs: 0,
      follows: null,
      link: null,
      followers: new Set(),
      downSinceMs: null,
      replicationId: dice.uuid(),
      secondReplicationId: null,
      secondOffset: -1,
      offset: 0,
      resumes: true,
      counts: false,
      data: saved === undefined ? noData() : branchedOff(saved.data),
      copies: processes.get(container)?.copies ?? [],
      priority: 100,
      settings: new Map(),
      heldUntilMs: 0,
      heldWrites: [],
      asleep: [],
      cancelConnect: () => {},
    };
    processes.set(container, process);
    saveByItself(process);
  };
  const listen = (process: RedisProcess): void => {
    if (process.listening) return;
    process.listening = true;
    if (process.data.writes > 0) process.loadingUntilMs = scheduler.nowMs() + dice.int(5, 4_000);
  };
  const end = (process: RedisProcess): void => {
    const { container } = process;
    // On SIGTERM it saves; on SIGKILL it does not.
    const saves = planOf(container)?.saves;
    if (saves === "always" || (saves === "sometimes" && container.exitCode === 0)) save(process);
    process.ended = true;
    replication.ended(process);
    process.heldWrites.length = 0;
  };
  /** Once a second for all processes of the world: what one alone does would be half of all that happens in it. */
  const tick = (): void => {
    seconds += 1;
    for (const process of processes.values()) {
      const everySeconds = Number(process.settings.get("repl-ping-replica-period") ?? 10);
      if (process.ended || seconds % everySeconds !== 0) continue;
      saveByItself(process);
      if (process.follows !== null || process.followers.size === 0 || isHung(process)) continue;
      process.offset += PING_BYTES;
      replication.pinged(process);
    }
    scheduler.after(1_000, tick);
  };
  const save = (process: RedisProcess): void => {
    if (process.link?.state === "loading") return;
    disks.set(diskOf(process.container), { data: process.data, atMs: scheduler.nowMs() });
  };
  const saveByItself = (process: RedisProcess): void => {
    const saves = planOf(process.container)?.saves;
    const savedAtMs = disks.get(diskOf(process.container))?.atMs ?? Number.NEGATIVE_INFINITY;
    if (saves === "always" || (saves === "sometimes" && scheduler.nowMs() - savedAtMs >= SNAPSHOT_EVERY_MS))
      save(process);
  };
  const outcomeOfWrite = (process: RedisProcess): WriteAnswer => {
    if (process.locked) return "denied";
    if (process.failing) return "failing";
    if (scheduler.nowMs() < process.loadingUntilMs || process.link?.state === "loading") return "loading";
    if (process.follows !== null) return "readonly";
    const needed = Number(process.settings.get("min-replicas-to-write") ?? 0);
    const lagMaxMs = Number(process.settings.get("min-replicas-max-lag") ?? 10) * 1_000;
    return needed > 0 && replication.goodReplicas(process, lagMaxMs) < needed ? "no-replicas" : "ok";
  };
  const writeNow = (process: RedisProcess, answer: (outcome: WriteAnswer) => void): void => {
    if (process.ended || isHung(process)) return;
    const outcome = outcomeOfWrite(process);
    if (outcome === "ok") {
      process.data = withOneMore(process.data);
      if (process.counts) process.offset += WRITE_BYTES;
      saveByItself(process);
      replication.changed(process);
    }
    answer(outcome);
  };
  const releaseWrites = (process: RedisProcess): void => {
    process.heldUntilMs = 0;
    for (const write of process.heldWrites.splice(0)) write();
  };
  const wake = (process: RedisProcess): void => {
    if (process.ended || isHung(process)) return;
    for (const run of process.asleep.splice(0)) scheduler.after(dice.int(0, 5), run);
  };

  scheduler.after(1_000, tick);
  return {
    replication,
    onContainer(container, what) {
      const service = container.labels[LABEL.service];
      if (service === undefined || !plans.has(service)) return;
      const process = processes.get(container);
      if (what === "started") return begin(container, service);
      if (process === undefined || process.ended) return;
      if (!isUp(container)) return end(process);
      if (what === "serving") listen(process);
      replication.review();
      wake(process);
    },
    at,
    of: (container) => processes.get(container) ?? null,
    addressOf({ container }) {
      const port = container.ports[0]?.host;
      const host = places.get(container.machine);
      return port === undefined || host === undefined ? null : { host, port };
    },
    machineAt: (host) => machines.get(host) ?? null,
    living(service) {
      const found: RedisProcess[] = [];
      for (const one of processes.values()) if (!one.ended && one.service === service) found.push(one);
      return found;
    },
    write(process, answer) {
      if (scheduler.nowMs() < process.heldUntilMs && !isHung(process)) {
        process.heldWrites.push(() => writeNow(process, answer));
        return;
      }
      writeNow(process, answer);
    },
    holdWrites(process, forMs) {
      if (forMs === 0) return releaseWrites(process);
      const untilMs = scheduler.nowMs() + forMs;
      process.heldUntilMs = untilMs;
      scheduler.after(forMs, () => process.heldUntilMs === untilMs && releaseWrites(process));
    },
    save,
    copyAside(container) {
      const process = processes.get(container);
      const saved = disks.get(diskOf(container));
      if (process === undefined || process.ended || saved === undefined) return false;
      process.copies.push(saved.data);
      return true;
    },
    setStopped(process, stopped) {
      process.stopped = stopped;
      replication.review();
      wake(process);
    },
    review: () => replication.review(),
    onFlush: (look) => void (flushed = look),
  };
}
