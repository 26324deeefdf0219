import type { CheckStatus } from "../../src/model/instance.ts";
import type { NewRegistration } from "../../src/ports/registry.ts";
import { isSameRegistration } from "./consul-servers.ts";
import type { CatalogEntry, ConsulServers } from "./consul-servers.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Dice } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Server } from "./wire.ts";

export interface AgentDeps {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly network: Network;
  readonly servers: ConsulServers;
  readonly machine: Machine;
  readonly address: string;
}

/** The Consul agent of one machine: what it was told, what its checks say, and its endless wish that the catalog agrees. */
export interface Agent extends Server {
  readonly node: string;
  readonly services: ReadonlyMap<string, LocalService>;
  register(registration: NewRegistration): void;
  deregister(id: string): void;
  /** Throws when it does not know the id. */
  setMaintenance(id: string, reason: string | null): void;
  /** A service with a TTL check, critical once `ttlMs` pass without `passTtl`. */
  registerTtl(id: string, name: string, ttlMs: number): void;
  /** False when there is no such check. */
  passTtl(id: string): boolean;
  reachesServers(): boolean;
  /** What a TTL check says from now on; throws when there is none. */
  setCheck(id: string, status: CheckStatus, output: string): void;
  /** Something on the machine began or ceased to answer. */
  lookAtProbes(): void;
  /** The machine's power or network may have changed. */
  review(): void;
  /** From now on it compares everything with the catalog once a minute, as agents do; it matters for tag override. */
  compareRegularly(): void;
  /** Its next full anti-entropy comes so much later. */
  resyncAfter(ms: number): void;
  crash(): void;
  hang(): void;
  start(keepServices: boolean): void;
  wake(): void;
}

export interface LocalService {
  readonly registration: NewRegistration;
  /** What it was told or, with tag override, what it found in the catalog when it last looked there. */
  tags: readonly string[];
  /** The catalog has not been told of its last change. */
  isNew: boolean;
  readonly ttlMs: number | null;
  status: CheckStatus;
  output: string;
  maintenance: string | null;
  /** Part of an interval by which its probes are shifted. */
  readonly phase: number;
  cancelProbe: () => void;
  cancelReap: () => void;
  cancelTtl: () => void;
}

export const CONSUL = "consul";

export function consulAgent(deps: AgentDeps): Agent {
  const { scheduler, dice, servers, machine, network } = deps;
  const node = `${machine.machine}-node`;
  const services = new Map<string, LocalService>();
  let state: "up" | "down" | "hung" = "up";
  let asleep: (() => void)[] = [];
  let cancelRetry = (): void => {};
  let cancelGossip = (): void => {};
  let syncDue = false;

  const running = (): boolean => machine.powered() && state === "up";
  const reachesServers = (): boolean => network.path(machine.machine, CONSUL) === "open";

  const syncSoon = (): void => {
    if (syncDue) return;
    syncDue = true;
    scheduler.after(dice.int(1, 6), () => {
      syncDue = false;
      sync(false);
    });
  };
  /**
   * Anti-entropy: the agent is right about its own node. What fails is tried again after a while. It is right about the
   * tags, too, except that with tag override it takes over what the catalog has whenever it compares everything; what
   * changes in between (a check, a registration) it sends with its own copy, as Consul 1.8.7 was seen to do.
   */
  const sync = (isWhole = true): void => {
    cancelRetry();
    if (!running()) return;
    if (!reachesServers() || !servers.hasLeader()) {
      cancelRetry = scheduler.after(dice.int(3_000, 15_000), () => sync());
      return;
    }
    for (const entry of servers.entriesOf(node)) if (!services.has(entry.id)) servers.drop(node, entry.id);
    if (isWhole) for (const service of services.values()) takeOverTags(service);
    for (const service of services.values()) push(service);
  };
  const takeOverTags = (service: LocalService): void => {
    const there = servers.entry(node, service.registration.id);
    if (there !== undefined && service.registration.tagOverride) service.tags = there.tags;
  };
  const push = (service: LocalService): void => {
    const { id, name, address, port, meta, tagOverride } = service.registration;
    const { status, output, maintenance } = service;
    const there = servers.entry(node, id);
    const tags = tagOverride && there !== undefined && !service.isNew ? there.tags : service.tags;
    const entry = { node, id, name, address, port, tags, meta, tagOverride, status, output, maintenance };
    service.isNew = false;
    if (there === undefined || !isSame(there, entry)) servers.put(entry);
  };
  const compareNowAndThen = (): void => {
    sync();
    scheduler.after(dice.int(60_000, 75_000), compareNowAndThen);
  };

  const setStatus = (service: LocalService, status: CheckStatus, output: string): void => {
    if (service.status === status) return;
    service.status = status;
    service.output = output;
    service.isNew = true;
    service.cancelReap();
    const reapMs = service.registration.health?.deregisterAfterMs ?? null;
    if (status === "critical" && reapMs !== null) {
      service.cancelReap = scheduler.after(
        reapMs + dice.int(0, 30_000),
        () => running() && forget(service.registration.id),
      );
    }
    syncSoon();
  };
  const forget = (id: string): void => {
    const service = services.get(id);
    if (service === undefined) return;
    service.cancelProbe();
    service.cancelReap();
    service.cancelTtl();
    services.delete(id);
    syncSoon();
  };

  const outcome = (service: LocalService): CheckStatus => {
    const { address, port } = service.registration;
    return machine.answering(address, port) === undefined ? "critical" : "passing";
  };
  /** A probe is only played when its outcome differs from the last one: at the time when it would be due. */
  const planProbe = (service: LocalService): void => {
    const { health } = service.registration;
    if (health === null || isTtl(service) || outcome(service) === service.status) return;
    service.cancelProbe();
    const every = health.intervalMs;
    const dueMs = every - ((scheduler.nowMs() + service.phase * every) % every);
    const silentMs = outcome(service) === "critical" && dice.chance(0.2) ? health.timeoutMs : 0;
    service.cancelProbe = scheduler.after(Math.ceil(dueMs + silentMs), () => {
      if (!running()) return;
      const status = outcome(service);
      setStatus(service, status, status === "passing" ? "200 OK" : "connection refused");
    });
  };

  /** Gossip notices a lost agent after some seconds and a returned one at once. */
  const review = (): void => {
    cancelGossip();
    const alive = running() && reachesServers();
    const believed = servers.nodes.get(node)?.status === "passing";
    if (alive === believed) return;
    cancelGossip = scheduler.after(alive ? dice.int(200, 900) : dice.int(5_800, 6_800), function tell() {
      if (!servers.hasLeader()) {
        cancelGossip = scheduler.after(1_000, tell);
        return;
      }
      servers.putNode({ node, address: deps.address, status: alive ? "passing" : "critical" });
      if (alive) sync();
    });
  };

  const hold = (
    registration: NewRegistration,
    ttlMs: number | null,
    before: LocalService | undefined,
  ): LocalService => {
    const service: LocalService = {
      registration,
      tags: registration.tags,
      isNew: true,
      ttlMs,
      status: registration.health === null && ttlMs === null ? "passing" : registration.initialStatus,
      output: "",
      maintenance: before?.maintenance ?? null,
      phase: dice.next(),
      cancelProbe: () => {},
      cancelReap: () => {},
      cancelTtl: () => {},
    };
    before?.cancelProbe();
    before?.cancelReap();
    before?.cancelTtl();
    services.set(registration.id, service);
    return service;
  };

  servers.onLeader(() => running() && (review(), syncSoon()));
  servers.putNode({ node, address: deps.address, status: "passing" });

  return {
    node,
    machine: machine.machine,
    services,
    state: () => (machine.powered() ? state : "down"),
    whenAwake: (run) => void asleep.push(run),
    reachesServers,
    register(registration) {
      planProbe(hold(registration, null, services.get(registration.id)));
      syncSoon();
    },
    deregister: forget,
    setMaintenance(id, reason) {
      const service = services.get(id);
      if (service === undefined) throw new Error(`Unknown service "${id}"`);
      service.maintenance = reason;
      service.isNew = true;
      syncSoon();
    },
    registerTtl(id, name, ttlMs) {
      hold(ttlRegistration(id, name, deps.address), ttlMs, services.get(id));
      syncSoon();
    },
    passTtl(id) {
      const service = services.get(id);
      if (service === undefined || service.ttlMs === null) return false;
      service.cancelTtl();
      setStatus(service, "passing", "alive");
      service.cancelTtl = scheduler.after(
        service.ttlMs,
        () => running() && setStatus(service, "critical", "TTL expired"),
      );
      return true;
    },
    setCheck(id, status, output) {
      const service = services.get(id);
      if (service === undefined || !isTtl(service)) throw new Error(`Unknown check "service:${id}"`);
      setStatus(service, status, output);
    },
    lookAtProbes() {
      if (running()) for (const service of services.values()) planProbe(service);
    },
    review,
    compareRegularly: () => void scheduler.after(dice.int(1_000, 60_000), compareNowAndThen),
    resyncAfter: (ms) => void scheduler.after(ms, () => sync()),
    crash() {
      state = "down";
      asleep = [];
      review();
    },
    hang: () => void (state === "up" && ((state = "hung"), review())),
    start(keepServices) {
      state = "up";
      for (const service of services.values()) {
        // A persisted check comes back critical until it has run; TTL services are registered anew by their owner.
        if (!keepServices || service.ttlMs !== null) forget(service.registration.id);
        else {
          service.tags = service.registration.tags;
          if (service.registration.health !== null) setStatus(service, "critical", "");
        }
      }
      for (const service of services.values()) planProbe(service);
      review();
      scheduler.after(dice.int(1, 6), () => sync());
    },
    wake() {
      if (state !== "hung") return;
      state = "up";
      for (const run of asleep) scheduler.after(dice.int(0, 5), run);
      asleep = [];
      for (const service of services.values()) planProbe(service);
      review();
      syncSoon();
    },
  };
}

function ttlRegistration(id: string, name: string, address: string): NewRegistration {
  const nothing = { port: 0, tags: [], meta: {}, tagOverride: false, health: null } as const;
  return { id, name, address, ...nothing, initialStatus: "critical" };
}

function isTtl(service: LocalService): boolean {
  return service.ttlMs !== null || service.registration.health?.probe.kind === "ttl";
}

function isSame(there: CatalogEntry, entry: CatalogEntry): boolean {
  const saysSame = there.status === entry.status && there.output === entry.output;
  return saysSame && there.maintenance === entry.maintenance && isSameRegistration(there, entry);
}
