import type { Instance } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type {
  RedisAddress,
  RedisLastWord,
  RedisNode,
  RedisNodeView,
  RedisObservation,
  RedisTrouble,
} from "../model/redis.ts";
import { registrationKey } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Redis, RedisEndpoint } from "../ports/redis.ts";
import { RedisError } from "../ports/redis.ts";
import { openSentinelWatch } from "./redis-sentinel.ts";
import { reachOf, withResolved, type RedisReach } from "./redis-address.ts";

export interface RedisWatchDeps {
  readonly nodes: Redis;
  readonly clock: Clock;
  readonly hostAddresses: Readonly<Record<string, string | null>>;
  /** How to be let in, resolved anew; rejects when a secret cannot be had. */
  readonly access: (service: Service) => Promise<Pick<RedisEndpoint, "login" | "tls">>;
  /** What a node says of itself has changed in a way that matters, or it has fallen silent, or speaks again. */
  readonly onChange: (services: readonly string[]) => void;
}

/** What the nodes of all Redis services say, kept true by asking them again and again. */
export interface RedisWatch {
  /**
   * What is known of these instances. A node that was never asked is asked now, and all that speak when `fresh`. Never
   * rejects: what cannot be asked is unknown.
   */
  look(service: Service, instances: readonly Instance[], fresh: boolean): Promise<RedisObservation>;
  /**
   * Whether a node of the service on that host has not answered for the service's `downAfter`: its container has not
   * ended, as far as its engine has told, and what that engine would say now is not waited for.
   */
  hasFallenSilent(service: Service, host: string): boolean;
  /** Asks every node it was shown, at an interval small against its service's `downAfter`, until the signal fires. */
  follow(signal: AbortSignal): Promise<void>;
}

interface Watched {
  readonly service: Service;
  readonly containerId: string;
  readonly host: string;
  readonly reach: RedisReach;
  last: { readonly node: RedisNode; readonly atMs: number } | null;
  trouble: RedisTrouble | null;
  movedAtMs: number | null;
  asking: Promise<void> | null;
  askedAtMs: number;
}

const INTERVAL_MIN_MS = 20;
const INTERVAL_MAX_MS = 1_000;
const DEADLINE_MIN_MS = 50;
const DEADLINE_MAX_MS = 1_000;
/** Who is shown for the first time meanwhile ends the sleep. */
const IDLE_MS = 10_000;
/** Last words of processes that are gone: what a failover may have lost is reckoned from them, also after a crash loop. */
const GONE_MAX = 64;

export function openRedisWatch(deps: RedisWatchDeps): RedisWatch {
  const { clock, nodes } = deps;
  const services = new Map<string, Map<string, Watched>>();
  const sentinels = openSentinelWatch(nodes, clock);
  const sentinelsAskedAtMs = new Map<string, number>();
  const gone = new Map<string, Map<string, RedisLastWord>>();
  let wake = (): void => undefined;

  const ask = (watched: Watched): Promise<void> => {
    watched.asking ??= askNow(watched).finally(() => (watched.asking = null));
    return watched.asking;
  };
  const askNow = async (watched: Watched): Promise<void> => {
    const { service, reach } = watched;
    const askedAtMs = clock.steadyMs();
    watched.askedAtMs = askedAtMs;
    const before = essence(watched);
    try {
      const access = await deps.access(service);
      const node = await nodes.look({ address: reach.address, ...access }, deadlineOf(service));
      // Another process has begun in its place: what the one before knew is all there is to reckon a loss by.
      const isAnother = watched.last !== null && watched.last.node.runId !== node.runId;
      if (isAnother) keepLast(service, watched, clock.steadyMs());
      const moved = watched.last === null || watched.last.node.offset !== node.offset;
      // Answered after the question was sent: what it says is at least as new as that.
      watched.last = { node, atMs: askedAtMs };
      watched.trouble = null;
      if (moved) watched.movedAtMs = askedAtMs;
    } catch (error) {
      const kind = error instanceof RedisError ? error.kind : "failing";
      const message = error instanceof Error ? error.message : String(error);
      watched.trouble = { kind, message, sinceMs: watched.trouble?.sinceMs ?? watched.last?.atMs ?? askedAtMs };
    }
    if (essence(watched) !== before) deps.onChange([service.name]);
  };
  const keepLast = ({ name }: Service, { last }: Watched, endedByMs: number | null): void => {
    const ends = gone.get(name) ?? new Map<string, RedisLastWord>();
    if (last !== null) ends.set(last.node.runId, { ...last, endedByMs });
    for (const id of [...ends.keys()].slice(0, Math.max(0, ends.size - GONE_MAX))) ends.delete(id);
    gone.set(name, ends);
  };
  /** Keeps what is known of those that are still there, as long as they are reached at the same place. */
  const show = (service: Service, instances: readonly Instance[], ended: ReadonlySet<string>): Map<string, Watched> => {
    const before = services.get(service.name) ?? new Map<string, Watched>();
    const after = new Map<string, Watched>();
    for (const instance of instances) {
      const { id, host } = instance.container;
      const reach = reachOf(service, instance, deps.hostAddresses[host] ?? null);
      const known = before.get(id);
      const same = known !== undefined && isSame(known.reach.address, reach.address);
      const fresh = { last: null, trouble: null, movedAtMs: null, asking: null, askedAtMs: Number.NEGATIVE_INFINITY };
      after.set(
        id,
        same ? Object.assign(known, { service, reach }) : { ...fresh, service, containerId: id, host, reach },
      );
    }
    for (const [id, watched] of before)
      if (!after.has(id)) keepLast(service, watched, ended.has(id) ? clock.steadyMs() : null);
    services.set(service.name, after);
    if ([...after.keys()].some((id) => !before.has(id))) wake();
    return after;
  };

  return {
    async look(service, instances, fresh) {
      const live = instances.filter(isLive);
      const ended = instances.filter((one) => one.current && !isLive(one)).map(({ container }) => container.id);
      const watched = show(service, live, new Set(ended));
      const due = [...watched.values()].filter((one) => one.last === null && one.trouble === null);
      // Who is known to be silent is asked by `follow`; waiting for him here would hold up a failover.
      const speaking = fresh ? [...watched.values()].filter(({ trouble }) => !isRecent(trouble, watched, clock)) : [];
      await Promise.all([...new Set([...due, ...speaking])].map(ask));
      const nowMs = clock.steadyMs();
      return {
        nodes: live.flatMap((instance) => {
          const one = watched.get(instance.container.id);
          return one === undefined ? [] : [viewOf(instance, one, nowMs)];
        }),
        gone: Object.fromEntries(gone.get(service.name) ?? []),
        sentinel: await sentinels.look(service),
      };
    },
    hasFallenSilent({ name, redis }, host) {
      const nowMs = clock.steadyMs();
      return [...(services.get(name)?.values() ?? [])].some(
        ({ trouble, host: own }) =>
          own === host && trouble?.kind === "silent" && nowMs - trouble.sinceMs >= (redis?.downAfterMs ?? Infinity),
      );
    },
    async follow(signal) {
      signal.addEventListener("abort", () => wake(), { once: true });
      while (!signal.aborted) {
        const all = [...services.values()].flatMap((one) => [...one.values()]);
        const nowMs = clock.steadyMs();
        let nextMs = nowMs + IDLE_MS;
        const watchedServices = [...new Map(all.map((one) => [one.service.name, one.service])).values()];
        sentinels.listen(watchedServices, ({ name }) => deps.onChange([name]), signal);
        for (const watched of all) {
          const intervalMs = intervalOf(watched.service);
          // A little early rather than one by one: all are asked in one turn then, and soon stay together.
          const isDue = watched.askedAtMs + intervalMs * (7 / 8) <= nowMs;
          if (watched.asking === null && isDue) void ask(watched);
          // Who is slow to answer is not asked again before he has, or his time is over.
          const isSlow = watched.askedAtMs + intervalMs <= nowMs;
          const againMs = watched.askedAtMs + (isSlow ? deadlineOf(watched.service) : intervalMs);
          nextMs = Math.min(nextMs, Math.max(againMs, nowMs + INTERVAL_MIN_MS));
        }
        for (const service of watchedServices) {
          if (service.redis?.sentinel == null) continue;
          const dueMs = (sentinelsAskedAtMs.get(service.name) ?? 0) + intervalOf(service);
          nextMs = Math.min(nextMs, dueMs > nowMs ? dueMs : nowMs + intervalOf(service));
          if (dueMs > nowMs) continue;
          sentinelsAskedAtMs.set(service.name, nowMs);
          void sentinels.hasChanged(service).then((changed) => changed && deps.onChange([service.name]));
        }
        const rest = new AbortController();
        wake = () => rest.abort();
        if (signal.aborted) return;
        await clock.sleep(Math.max(INTERVAL_MIN_MS, nextMs - nowMs), rest.signal);
      }
    },
  };
}

function isLive({ container: { state } }: Instance): boolean {
  return state === "running" || state === "paused";
}

/** A trouble that was seen again just now need not be looked for once more. */
function isRecent(trouble: RedisTrouble | null, watched: ReadonlyMap<string, Watched>, clock: Clock): boolean {
  if (trouble === null) return false;
  return [...watched.values()].some(
    (one) =>
      one.trouble === trouble && clock.steadyMs() - one.askedAtMs < 2 * intervalOf(one.service) + DEADLINE_MIN_MS,
  );
}

function viewOf(
  { container, registration, current }: Instance,
  { service, reach, last, trouble, movedAtMs }: Watched,
  nowMs: number,
): RedisNodeView {
  // Whose engine is silent may have been replaced meanwhile, unless it has just said itself that it is there.
  const speaks = last !== null && nowMs - last.atMs < (service.redis?.downAfterMs ?? 0);
  const now: Known<RedisNode> =
    trouble !== null
      ? unknown(trouble.message)
      : last === null
        ? unknown("not asked yet")
        : known(last.node, last.atMs);
  return {
    containerId: container.id,
    name: container.name,
    slot: container.slot,
    host: container.host,
    registration: registration !== null && (current || speaks) ? registrationKey(registration) : null,
    ...withResolved(reach, last?.node.resolvedTo),
    now,
    last,
    trouble,
    movedAtMs,
  };
}

/** Two nodes with the same essence call for the same decisions. */
function essence({ last, trouble }: Watched): string {
  if (trouble !== null) return trouble.kind;
  if (last === null) return "";
  const { role, runId, loading, follows, handingOver, cannotSave, goodReplicas, followers } = last.node;
  const link = follows === null ? "" : `${follows.master.host}:${follows.master.port} ${follows.up} ${follows.syncing}`;
  const online = followers.filter((one) => one.online).length;
  return `${role} ${runId} ${loading} ${handingOver} ${cannotSave} ${link} ${online} ${goodReplicas}`;
}

function isSame(a: RedisAddress, b: RedisAddress): boolean {
  return a.host === b.host && a.port === b.port;
}

function intervalOf({ redis }: Service): number {
  return within((redis?.downAfterMs ?? INTERVAL_MAX_MS) / 8, INTERVAL_MIN_MS, INTERVAL_MAX_MS);
}

function deadlineOf({ redis }: Service): number {
  return within((redis?.downAfterMs ?? DEADLINE_MAX_MS) / 4, DEADLINE_MIN_MS, DEADLINE_MAX_MS);
}

function within(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
