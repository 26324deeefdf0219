import type { RedisAddress, RedisNode } from "../../src/model/redis.ts";
import { isPartOf } from "../../src/model/redis.ts";
import type { RedisRoles } from "../../src/model/service.ts";
import { META } from "../../src/model/labels.ts";
import type { Agent } from "./consul-agent.ts";
import type { ConsulServers, PlacedEntry } from "./consul-servers.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import type { RedisWitness } from "./redis.ts";
import type { RedisClient } from "./redis-client.ts";
import { holds } from "./redis-data.ts";
import { isHung, saysOf } from "./redis-process.ts";
import type { RedisProcess } from "./redis-process.ts";
import type { RedisServers } from "./redis-servers.ts";
import type { RoleTagsWitness, TagChange } from "./role-tags.ts";
import type { Safety } from "./safety.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Truth } from "./truth.ts";

/** Holds what controllers do with roles against S13 to S18, by what each of them was told and by what is so. */
export interface RedisSafety extends RedisWitness, RoleTagsWitness {
  /** A person has decided: what follows within a while is his affair. */
  decided(service: string): void;
}

export interface RedisSafetyDeps {
  readonly scheduler: Scheduler;
  readonly truth: Truth;
  readonly servers: RedisServers;
  readonly catalog: ConsulServers;
  readonly clients: readonly RedisClient[];
  readonly safety: Pick<Safety, "violate" | "orderedRoles">;
  readonly hosts: readonly string[];
  readonly countReached: (name: string) => void;
  readonly tell: (story: () => string) => void;
  readonly network: Network;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly machines: ReadonlyMap<string, Machine>;
}

/** What a controller was told by a process, newest last; null: it was not told anything. */
interface Told {
  readonly atMs: number;
  readonly said: RedisNode | null;
}

const toldMax = 200;
/** What a person decided may show its effect for so long. */
const decisionMs = 60_000;
/** So long the order to end an old master that hangs may take. */
const fenceMs = 5_000;
/** From the look that a promotion goes by to its effect. */
const justNowMs = 1_500;
/** Nothing is out of order that a controller depends on. */
const calmLagMs = 8_000;

export function redisSafety(deps: RedisSafetyDeps): RedisSafety {
  const { scheduler, truth, servers, catalog, safety } = deps;
  const told = new Map<Process, Map<string, Told[]>>();
  const decidedAtMs = new Map<string, number>();
  const heldBy = new Map<Process, { readonly from: RedisProcess; readonly atMs: number }>();
  const promotions = new Map<string, RedisProcess>();
  /** Whom `heal` has ever made the master or tagged as one: whoever is anew in its place has lost its data. */
  const masters = new WeakSet<RedisProcess>();
  /** Registrations to which an agent has brought the master's tag back. */
  const brought = new Set<string>();
  const carrying = new Map<string, ReadonlySet<string>>();
  let writing: Process | null = null;

  const rolesOf = (service: string): RedisRoles | null => truth.wish(service)?.redis ?? null;
  const nowMs = (): number => scheduler.nowMs();
  const toldBy = (process: Process, { host, port }: RedisAddress): readonly Told[] =>
    told.get(process)?.get(`${host}:${port}`) ?? [];
  const nameOf = ({ container }: RedisProcess): string => `${container.name} (${container.id})`;
  const processOf = ({ node, meta }: PlacedEntry): RedisProcess | null => {
    const machine = node.replace(/-node$/, "");
    for (const { name } of truth.services()) {
      if (name !== meta[META.service]) continue;
      for (const one of servers.living(name))
        if (one.container.machine === machine && one.container.name === meta[META.container]) return one;
    }
    return null;
  };
  const isExcused = (service: string): boolean =>
    nowMs() - (decidedAtMs.get(service) ?? Number.NEGATIVE_INFINITY) < decisionMs;
  const entriesOf = (service: string): readonly PlacedEntry[] =>
    deps.hosts.flatMap((host) => catalog.entriesOf(`${host}-node`).filter(({ name }) => name === service));
  const tagged = (service: string, tag: string): readonly PlacedEntry[] =>
    entriesOf(service).filter(({ tags }) => tags.includes(tag));

  /** S14. What an agent writes back nobody can prevent who cannot reach it; it must be put right soon. */
  const mustBeOneMaster = (service: string): void => {
    const roles = rolesOf(service);
    if (roles === null) return;
    const ids = tagged(service, roles.masterTag).map(({ id }) => id);
    const before = carrying.get(service);
    if (writing === null) for (const id of ids) if (before?.has(id) === false) brought.add(id);
    for (const id of brought) if (before?.has(id) === true && !ids.includes(id)) brought.delete(id);
    carrying.set(service, new Set(ids));
    if (ids.length < 2) return;
    if (writing !== null && !ids.some((id) => brought.has(id)))
      return safety.violate("S14", `${writing.name} leaves ${ids.join(" and ")} of ${service} tagged as master`);
    deps.countReached("an agent brings a master's tag back");
    deps.tell(() => `${ids.join(" and ")} of ${service} are both tagged as master: an agent has brought a tag back`);
  };
  /** Before another gets the master's tag, every agent that can be reached has forgotten that it knew of one. */
  const mustBeForgotten = (process: Process, { node, id }: TagChange, service: string, roles: RedisRoles): void => {
    for (const [machine, agent] of deps.agents) {
      if (deps.network.path(process.machine, machine) !== "open" || agent.state() !== "up") continue;
      if (truth.lagMs("") > calmLagMs || truth.lagMs(machine) > calmLagMs) continue;
      for (const { registration, tags } of agent.services.values()) {
        if (registration.name !== service || !tags.includes(roles.masterTag)) continue;
        if (registration.id === id && agent.node === node) continue;
        safety.violate(
          "S14",
          `${process.name} tags ${id} as master while the agent of ${machine} still takes ${registration.id} for it`,
        );
      }
    }
  };

  /** S15: who is promoted qualifies, and nobody who was known to be better for as long as a decision takes. */
  const mustQualify = (process: Process, to: RedisProcess, roles: RedisRoles): void => {
    const { service } = to;
    const refuse = (why: string): void =>
      safety.violate("S15", `${process.name} promotes ${nameOf(to)} of ${service}, ${why}`);
    const own = servers.addressOf(to);
    const last = own === null ? undefined : toldBy(process, own).findLast(({ said }) => said?.runId === to.runId);
    if (last?.said == null) return refuse("which has told it nothing");
    if (nowMs() - last.atMs > 10_000) return refuse(`of which it last heard ${nowMs() - last.atMs} ms ago`);
    if (last.said.loading || nowMs() < to.loadingUntilMs) return refuse("which is loading");
    if (last.said.priority === 0 && !hasJustSaid(process, to, own, ({ priority }) => priority !== 0))
      return refuse("whose priority is 0");
    const isCopying = to.link?.state === "copying" && last.said.follows?.syncing === true;
    if (isCopying && !hasJustSaid(process, to, own, ({ follows, empty }) => follows?.syncing === false && !empty))
      return refuse("whose copy is not complete");
    for (const rival of servers.living(service)) {
      const address = servers.addressOf(rival);
      if (rival === to || address === null) continue;
      const better = wasBetter(process, rival, address, last.said, truth.lagMs(rival.container.machine), roles);
      if (better !== null) refuse(`though ${nameOf(rival)} was known to be better: ${better}`);
    }
  };
  /**
   * What became otherwise while the promotion was on its way could not be known when it was sent; and a copy that began
   * then takes nothing away until it has come.
   */
  const hasJustSaid = (
    process: Process,
    to: RedisProcess,
    own: RedisAddress | null,
    what: (said: RedisNode) => boolean,
  ): boolean =>
    own !== null &&
    toldBy(process, own).some(({ atMs, said }) => nowMs() - atMs < justNowMs && said?.runId === to.runId && what(said));
  const wasBetter = (
    process: Process,
    rival: RedisProcess,
    address: RedisAddress,
    chosen: RedisNode,
    lagMs: number,
    roles: RedisRoles,
  ): string | null => {
    const heard = toldBy(process, address);
    const earlier = heard.filter(({ atMs }) => atMs <= nowMs() - lagMs).at(-1);
    const window = [...(earlier === undefined ? [] : [earlier]), ...heard.filter(({ atMs }) => atMs > nowMs() - lagMs)];
    if (earlier === undefined || nowMs() - earlier.atMs > lagMs + 5_000) return null;
    for (const { said } of window) {
      if (said === null || said.runId !== rival.runId || said.loading || said.priority === 0) return null;
      const { follows } = said;
      if (follows === null || follows.syncing || follows.downForMs === null) return null;
      if (follows.downForMs > 8 * roles.downAfterMs) return null;
      if (follows.master.host !== chosen.follows?.master.host || follows.master.port !== chosen.follows.master.port)
        return null;
      if (said.replicationId !== chosen.replicationId) return null;
    }
    const said = earlier.said;
    if (said === null || said.priority > chosen.priority) return null;
    if (said.priority < chosen.priority) return `priority ${said.priority} before ${chosen.priority}`;
    return said.offset > chosen.offset ? `offset ${said.offset} before ${chosen.offset}` : null;
  };

  /** The order of a failover: whoever was the master has no tag any more, and is ended where it only hangs. */
  const mustBeFenced = (process: Process, to: RedisProcess, roles: RedisRoles): void => {
    const { service } = to;
    for (const entry of tagged(service, roles.masterTag)) {
      const old = processOf(entry);
      if (old === null || old === to || old.follows !== null || brought.has(entry.id)) continue;
      safety.violate("fencing", `${process.name} promotes ${nameOf(to)} while ${entry.id} still has the master's tag`);
    }
    const old = to.follows === null ? null : servers.at(to.follows);
    if (old === null || !old.listening || !isHung(old) || old === to) return;
    const { machine } = old.container;
    const isInReach = (): boolean =>
      deps.network.path(process.machine, machine) === "open" &&
      deps.machines.get(machine)?.state() === "up" &&
      truth.lagMs("") <= calmLagMs &&
      truth.lagMs(machine) <= calmLagMs;
    if (!isInReach()) return;
    scheduler.after(fenceMs, () => {
      if (old.ended || !isHung(old) || !isInReach() || !process.alive()) return;
      safety.violate("fencing", `${process.name} promoted ${nameOf(to)} and let ${nameOf(old)} hang on`);
    });
  };
  /** What it has, or may have by what it says of its history, the master that was just made has not: that is kept aside. */
  const isLetGo = (to: RedisProcess): boolean => {
    const last = promotions.get(to.service);
    if (last === undefined || last === to || last.ended || last.follows !== null) return false;
    return !holds(last.data, to.data) || !isPartOf(saysOf(to, nowMs()), saysOf(last, nowMs()));
  };
  /** S17: there is no failover while the master that the last one made lives and says so. */
  const mustBeNeeded = (process: Process, to: RedisProcess): void => {
    const last = promotions.get(to.service);
    promotions.set(to.service, to);
    masters.add(to);
    if (last === undefined || last === to || last.ended || last.follows !== null || heldBy.get(process)?.from === last)
      return;
    const address = servers.addressOf(last);
    const heard = address === null ? [] : toldBy(process, address).filter(({ atMs }) => nowMs() - atMs < 5_000);
    if (heard.length < 2 || !heard.every(({ said }) => said?.role === "master" && said.runId === last.runId)) return;
    safety.violate("S17", `${process.name} promotes ${nameOf(to)} though ${nameOf(last)}, promoted before, is well`);
  };
  /** S2 and "never on the word of one observer": a master whose replicas go on hearing of it lives. */
  const mustBeDown = (process: Process, to: RedisProcess, roles: RedisRoles): void => {
    const link = to.link;
    if (link === null || link.state !== "up" || isHung(link.master) || link.master.ended) return;
    if (link.blockedSinceMs !== null || link.master.follows !== null) return;
    if (!masters.has(link.master)) return;
    const held = heldBy.get(process);
    if (held?.from === link.master) return;
    const own = servers.addressOf(to);
    const heard = own === null ? [] : toldBy(process, own).filter(({ atMs }) => nowMs() - atMs < roles.downAfterMs);
    if (heard.length === 0 || heard.some(({ said }) => said?.follows?.up !== true)) return;
    safety.violate(
      "S2",
      `${process.name} promotes ${nameOf(to)} of ${to.service}, though that hears of its master ${nameOf(link.master)}`,
    );
  };

  /** Data that the new master does not have is kept aside before a node follows it. */
  const mustBeKeptAside = (process: Process, from: RedisProcess, address: RedisAddress): void => {
    const master = servers.at(address);
    if (master === null || isExcused(from.service) || from.link?.state === "copying") return;
    // Mostly all of it is there, and then there is no need to go through thousands of writes one by one.
    if ([master.data, ...from.copies].some((whole) => holds(whole, from.data))) return;
    const lost = (deps.clients.find(({ service }) => service === from.service)?.acknowledged ?? []).filter(
      ({ data, atMs }) =>
        nowMs() - atMs > 5_000 &&
        holds(from.data, data) &&
        !holds(master.data, data) &&
        !from.copies.some((copy) => holds(copy, data)),
    );
    if (lost.length === 0) return;
    safety.violate(
      "S18",
      `${process.name} has ${nameOf(from)} follow ${nameOf(master)}: ${lost.length} acknowledged writes are not kept aside`,
    );
  };

  /** S16: it has said so itself, and it is so. */
  const mustHaveConfirmed = (process: Process, change: TagChange, to: RedisProcess | null): void => {
    if (to === null) return; // it has ended since: nobody is served by it
    const own = servers.addressOf(to);
    const last = own === null ? undefined : toldBy(process, own).findLast(({ said }) => said !== null);
    if (last?.said?.role !== "master" || last.said.runId !== to.runId) {
      safety.violate(
        "S16",
        `${process.name} tags ${change.id} as master, which last said that it is ${last?.said?.role}`,
      );
    }
  };
  /** S18: nobody who has nothing is served while another still has what was acknowledged. */
  const mustNotBeEmpty = (process: Process, change: TagChange, to: RedisProcess | null): void => {
    if (to === null || to.data.writes > 0 || isExcused(to.service)) return;
    const richer = servers.living(to.service).find((one) => one.data.writes > 0);
    if (richer === undefined) return;
    safety.violate(
      "S18",
      `${process.name} tags ${change.id} as master, which is empty, while ${nameOf(richer)} has ${richer.data.writes} writes`,
    );
  };
  /** A switchover loses nothing that was acknowledged. */
  const mustHaveAll = (process: Process, to: RedisProcess | null): void => {
    const held = heldBy.get(process);
    if (held === undefined || to === null || held.from === to || held.from.service !== to.service) return;
    heldBy.delete(process);
    if (nowMs() - held.atMs > 10_000) return;
    const lost = (deps.clients.find(({ service }) => service === to.service)?.acknowledged ?? []).filter(
      ({ data, atMs }) => atMs > held.atMs - 120_000 && holds(held.from.data, data) && !holds(to.data, data),
    );
    if (lost.length > 0)
      safety.violate("lost", `a switchover to ${nameOf(to)} of ${to.service} loses ${lost.length} acknowledged writes`);
    deps.countReached("a switchover is done");
  };

  catalog.onService(mustBeOneMaster);

  return {
    decided: (service) => void decidedAtMs.set(service, nowMs()),

    looked(process, _service, { host, port }, said) {
      let own = told.get(process);
      if (own === undefined) told.set(process, (own = new Map()));
      const key = `${host}:${port}`;
      let heard = own.get(key);
      if (heard === undefined) own.set(key, (heard = []));
      heard.push({ atMs: nowMs(), said });
      if (heard.length > toldMax) heard.splice(0, toldMax / 2);
    },
    ordered(process, service, what) {
      deps.tell(() => `${process.name} sends ${what} (${service})`);
      safety.orderedRoles(process, service, what);
    },
    obeying(process, to, master) {
      const { service } = to;
      const roles = rolesOf(service);
      deps.tell(
        () => `${nameOf(to)} of ${service} obeys: ${master === null ? "no one" : `${master.host}:${master.port}`}`,
      );
      if (roles === null) return;
      if (master !== null) return mustBeKeptAside(process, to, master);
      if (to.follows === null) return;
      if (isLetGo(to)) return deps.countReached("a replica is let go");
      deps.countReached("a replica is promoted");
      mustBeNeeded(process, to);
      if (isExcused(service)) return;
      mustQualify(process, to, roles);
      mustBeFenced(process, to, roles);
      mustBeDown(process, to, roles);
    },
    held(process, from, forMs) {
      if (forMs > 0) heldBy.set(process, { from, atMs: nowMs() });
    },
    retagging(process, service, changes) {
      const roles = rolesOf(service);
      deps.tell(
        () => `tags of ${service}: ${changes.map(({ id, tags }) => `${id} ${tags.join(",") || "none"}`).join("; ")}`,
      );
      if (roles === null) return;
      writing = process;
      for (const change of changes) {
        if (!change.tags.includes(roles.masterTag)) continue;
        const entry = catalog.entry(change.node, change.id);
        const to = entry === undefined ? null : processOf(entry);
        if (to !== null) masters.add(to);
        if (entry?.tags.includes(roles.masterTag) === true) continue;
        mustHaveConfirmed(process, change, to);
        mustNotBeEmpty(process, change, to);
        mustHaveAll(process, to);
        mustBeForgotten(process, change, service, roles);
      }
    },
    retagged: () => void (writing = null),
  };
}
