import type { Network } from "./network.ts";
import type { Dice } from "./random.ts";
import { branchedOff, noData } from "./redis-data.ts";
import { isHung } from "./redis-process.ts";
import type { Link, RedisProcess, Sent } from "./redis-process.ts";
import type { RedisAddress } from "../../src/model/redis.ts";
import type { Scheduler } from "./scheduler.ts";

export interface ReplicationDeps {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly network: Network;
  readonly isPowered: (machine: string) => boolean;
  readonly at: (address: RedisAddress) => RedisProcess | null;
  /** A replica is about to lose what it holds to its master's copy. */
  readonly onFlush: (replica: RedisProcess) => void;
}

/** How Redis processes copy from one another: as Redis 7 does it, with its own delays. */
export interface Replication {
  /** `REPLICAOF`. */
  follow(process: RedisProcess, master: RedisAddress | null): void;
  /** Something was written. */
  changed(master: RedisProcess): void;
  /** A ping is due: it reaches all replicas in one step of the world, but for those that are slow. */
  pinged(master: RedisProcess): void;
  /** The process has ended, and with it its connections. */
  ended(process: RedisProcess): void;
  /** The network, power or moods may have changed. */
  review(): void;
  breakLink(link: Link): void;
  /** How many replicas a master counts on. */
  goodReplicas(master: RedisProcess, lagMaxMs: number): number;
  setSlow(process: RedisProcess, slow: { readonly copyMs: number; readonly delayMs: number } | null): void;
}

const RETRY_MS = 1_000;
/** `repl-timeout` */
const TIMEOUT_MS = 60_000;

export function redisReplication(deps: ReplicationDeps): Replication {
  const { scheduler, dice, network } = deps;
  const links = new Set<Link>();
  const slow = new Map<RedisProcess, { readonly copyMs: number; readonly delayMs: number }>();

  const pathOf = ({ replica, master }: Link) => network.path(replica.container.machine, master.container.machine);
  const isBlocked = (link: Link): boolean =>
    link.master.ended || pathOf(link) !== "open" || isHung(link.replica) || isHung(link.master);

  const connect = (replica: RedisProcess, delayMs: number): void => {
    replica.cancelConnect();
    replica.cancelConnect = scheduler.after(delayMs, () => tryToConnect(replica));
  };
  const tryToConnect = (replica: RedisProcess): void => {
    if (replica.ended || replica.follows === null || replica.link !== null) return;
    const master = masterFor(replica);
    if (master === null) return connect(replica, RETRY_MS);
    replica.cancelConnect = scheduler.after(dice.int(2, 15), () => {
      if (replica.ended || replica.link !== null) return;
      if (masterFor(replica) !== master) return connect(replica, RETRY_MS);
      synchronise(replica, master);
    });
  };
  /** Who would let the replica copy now; null: nobody. */
  const masterFor = (replica: RedisProcess): RedisProcess | null => {
    const master = replica.follows === null ? null : deps.at(replica.follows);
    if (master === null || master === replica || !master.listening || isHung(master) || isHung(replica)) return null;
    if (network.path(replica.container.machine, master.container.machine) !== "open") return null;
    if (scheduler.nowMs() < master.loadingUntilMs || master.locked) return null;
    // Who has no master himself at the moment serves nobody.
    return master.follows !== null && master.link?.state !== "up" ? null : master;
  };
  const synchronise = (replica: RedisProcess, master: RedisProcess): void => {
    master.counts = true;
    const link: Link = { replica, master, state: "copying", alive: true, blockedSinceMs: null, sent: null };
    replica.link = link;
    master.followers.add(link);
    links.add(link);
    if (goesOn(replica, master)) return goOn(link);
    dropFollowers(replica);
    // What it had is forgotten as a history, and kept as data until the copy has come.
    Object.assign(replica, { offset: 1, resumes: false });
    scheduler.after(dice.int(20, 300) + (slow.get(replica)?.copyMs ?? 0), () => load(link));
  };
  const goOn = (link: Link): void => {
    const { replica, master } = link;
    if (replica.replicationId !== master.replicationId) {
      replica.secondReplicationId = replica.replicationId;
      replica.secondOffset = replica.offset + 1;
      replica.replicationId = master.replicationId;
      dropFollowers(replica);
    }
    link.state = "up";
    Object.assign(replica, { counts: true, resumes: true });
    receive(link, { offset: master.offset, data: master.data });
  };
  const load = (link: Link): void => {
    const { replica, master } = link;
    if (!link.alive) return;
    if (isBlocked(link)) return void scheduler.after(500, () => load(link));
    const copy = { offset: master.offset, data: master.data, replicationId: master.replicationId };
    deps.onFlush(replica);
    replica.data = noData();
    link.state = "loading";
    scheduler.after(dice.int(5, 100), () => {
      if (replica.ended || replica.link !== link) return;
      const { replicationId, ...sent } = copy;
      Object.assign(replica, {
        replicationId,
        secondReplicationId: null,
        secondOffset: -1,
        counts: true,
        resumes: true,
      });
      link.state = "up";
      apply(replica, sent);
      // Who has gone meanwhile is missed only now.
      if (!link.alive) return lose(link);
      if (!isBlocked(link)) receive(link, { offset: master.offset, data: master.data });
    });
  };

  const receive = (link: Link, sent: Sent): void => {
    link.sent = sent;
    if (!isBlocked(link)) apply(link.replica, sent);
  };
  const apply = (replica: RedisProcess, { offset, data }: Sent): void => {
    replica.offset = offset;
    replica.data = data;
    changed(replica);
  };
  const changed = (master: RedisProcess): void => {
    for (const link of master.followers) {
      if (link.state === "up") scheduler.after(delayMs(link), arrival(link, sentOver(link)));
    }
  };
  const pinged = (master: RedisProcess): void => {
    const arrivals: (() => void)[] = [];
    for (const link of master.followers) {
      if (link.state !== "up") continue;
      const arrive = arrival(link, sentOver(link));
      if (slow.has(link.replica)) scheduler.after(delayMs(link), arrive);
      else arrivals.push(arrive);
    }
    if (arrivals.length > 0) scheduler.after(dice.int(1, 2), () => arrivals.forEach((arrive) => arrive()));
  };
  const delayMs = ({ replica }: Link): number => dice.int(1, 2) + (slow.get(replica)?.delayMs ?? 0);
  const sentOver = (link: Link): Sent => (link.sent = { offset: link.master.offset, data: link.master.data });
  const arrival = (link: Link, sent: Sent) => (): void => {
    if (link.alive && !isBlocked(link)) apply(link.replica, sent);
  };

  const breakLink = (link: Link): void => {
    if (!link.alive) return;
    link.alive = false;
    links.delete(link);
    link.master.followers.delete(link);
    // A copy that has come whole is loaded to the end.
    if (link.state !== "loading") lose(link);
  };
  const lose = ({ replica, state }: Link): void => {
    replica.link = null;
    if (replica.ended) return;
    if (state === "up") replica.downSinceMs = scheduler.nowMs();
    connect(replica, state === "up" ? dice.int(1, 5) : RETRY_MS);
  };
  const dropFollowers = (process: RedisProcess): void => {
    for (const link of process.followers) breakLink(link);
  };

  const reviewLink = (link: Link): void => {
    const { master } = link;
    const isReset = master.ended && deps.isPowered(master.container.machine) && pathOf(link) === "open";
    if (pathOf(link) === "reject" || isReset) return breakLink(link);
    const blocked = isBlocked(link);
    if (blocked === (link.blockedSinceMs !== null)) return;
    if (!blocked) {
      link.blockedSinceMs = null;
      const { sent } = link;
      if (link.state === "up" && sent !== null)
        scheduler.after(
          dice.int(1, 200),
          () => link.alive && !isBlocked(link) && apply(link.replica, link.sent ?? sent),
        );
      return;
    }
    const sinceMs = scheduler.nowMs();
    link.blockedSinceMs = sinceMs;
    scheduler.after(TIMEOUT_MS, () => link.blockedSinceMs === sinceMs && breakLink(link));
  };

  return {
    follow(process, master) {
      const { follows, link } = process;
      if (master === null) {
        if (follows === null) return;
        process.follows = null;
        if (link !== null) breakLink(link);
        process.cancelConnect();
        process.secondReplicationId = process.replicationId;
        process.secondOffset = process.offset + 1;
        process.replicationId = dice.uuid();
        process.data = branchedOff(process.data);
        process.downSinceMs = null;
        Object.assign(process, { counts: true, resumes: true });
        return dropFollowers(process);
      }
      if (follows !== null && follows.host === master.host && follows.port === master.port) return;
      process.follows = master;
      if (link !== null) breakLink(link);
      connect(process, 1);
    },
    changed,
    pinged,
    ended(process) {
      process.cancelConnect();
      const isSilent = !deps.isPowered(process.container.machine);
      for (const link of process.followers) {
        // What was sent arrives before the end does; of a machine without power nobody hears the end.
        if (!isSilent && link.state === "up" && link.sent !== null && pathOf(link) === "open" && !isHung(link.replica))
          apply(link.replica, link.sent);
        if (isSilent) reviewLink(link);
        else if (pathOf(link) === "drop") reviewLink(link);
        else breakLink(link);
      }
      if (process.link !== null) breakLink(process.link);
    },
    review() {
      for (const link of links) reviewLink(link);
    },
    breakLink,
    goodReplicas(master, lagMaxMs) {
      let good = 0;
      for (const { state, blockedSinceMs } of master.followers) {
        if (state === "up" && (blockedSinceMs === null || scheduler.nowMs() - blockedSinceMs < lagMaxMs)) good += 1;
      }
      return good;
    },
    setSlow(process, how) {
      if (how === null) slow.delete(process);
      else slow.set(process, how);
    },
  };
}

/** Whether a master can go on from where the replica is, without a copy of everything. */
function goesOn(replica: RedisProcess, master: RedisProcess): boolean {
  if (!replica.resumes) return false;
  if (replica.replicationId === master.replicationId) return replica.offset <= master.offset;
  return replica.replicationId === master.secondReplicationId && replica.offset < master.secondOffset;
}
