import type { Container } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContainerFilter, Engine, EngineEvent } from "../ports/engine.ts";
import type { OwnerKey } from "./ownership.ts";
import { ownerKeyOf } from "./ownership.ts";

export interface HostMirrorDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  /** What to list; asked anew for each list, since the desired state changes. */
  readonly filter: () => ContainerFilter;
  /** Tells which services' containers changed; null: the host itself began or ceased to answer. */
  readonly onChange: (key: OwnerKey | null) => void;
}

export interface EngineFacts {
  readonly id: string;
  readonly swarmNodeId: string | null;
  readonly swarmManager: boolean;
}

/** What one engine runs, kept true by its events, or listed on demand. */
export interface HostMirror {
  readonly host: string;
  engine(): Known<EngineFacts>;
  silentSinceMs(): number | null;
  /** The last one it told, also while it is silent: the managers know a dead node by it. */
  swarmNodeId(): string | null;
  containers(key: OwnerKey): Iterable<Container>;
  /** Containers of all keys that run. */
  load(): number;
  /** Lists everything anew. Never rejects: an engine that does not answer becomes silent. */
  refresh(): Promise<void>;
  /** Lists one service anew, and replaces what was filed under its keys. Never rejects. */
  refreshService(filter: ContainerFilter, keys: readonly OwnerKey[]): Promise<void>;
  /** Asks at once whether the engine answers. */
  probe(): Promise<void>;
  /** Keeps the mirror true until the signal fires. */
  follow(signal: AbortSignal): Promise<void>;
}

const PROBE_EVERY_MS = 1_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2_000;

/** Opens a mirror that has seen nothing yet: unknown, until the first refresh or follow. */
export function openHostMirror({ engine, clock, filter, onChange }: HostMirrorDeps): HostMirror {
  let facts: Known<EngineFacts> = unknown("not asked yet");
  let swarmNodeId: string | null = null;
  let lastContactMs: number | null = null;
  let silentSinceMs: number | null = null;
  let files = new Map<OwnerKey, Map<string, Container>>();
  /** Counts changes per container, so that a slow inspect does not overwrite what an event said meanwhile. */
  const revisions = new Map<string, number>();

  const answered = (value: EngineFacts): void => {
    lastContactMs = clock.steadyMs();
    const wasSilent = silentSinceMs !== null;
    facts = known(value, lastContactMs);
    swarmNodeId = value.swarmNodeId;
    silentSinceMs = null;
    if (wasSilent) onChange(null);
  };
  const fellSilent = (error: unknown): void => {
    const news = silentSinceMs === null;
    silentSinceMs ??= lastContactMs ?? clock.steadyMs();
    facts = unknown(`the engine of ${engine.host} does not answer: ${messageOf(error)}`);
    if (news) onChange(null);
  };
  const bump = (id: string): number => {
    const next = (revisions.get(id) ?? 0) + 1;
    revisions.set(id, next);
    return next;
  };
  const forget = (id: string): OwnerKey | null => {
    revisions.delete(id);
    for (const [key, file] of files) if (file.delete(id)) return key;
    return null;
  };
  const file = (container: Container): OwnerKey | null => {
    const key = ownerKeyOf(container);
    if (key === null) return null;
    const place = files.get(key) ?? new Map<string, Container>();
    files.set(key, place.set(container.id, container));
    return key;
  };
  const find = (id: string): Container | null => {
    for (const place of files.values()) {
      const container = place.get(id);
      if (container !== undefined) return container;
    }
    return null;
  };
  const inspect = async (id: string): Promise<void> => {
    const revision = bump(id);
    const container = await engine.inspect(id);
    if (revisions.get(id) !== revision) return;
    const key = container === null ? forget(id) : file(container);
    if (key !== null) onChange(key);
  };

  /** A death is believed as it is told; everything else is looked up. */
  const take = (event: EngineEvent, broken: (error: unknown) => void): void => {
    const seen = find(event.containerId);
    if (event.kind === "removed") {
      const key = forget(event.containerId);
      if (key !== null) onChange(key);
      return;
    }
    if (event.kind === "died" && seen !== null && !seen.restartsItself) {
      bump(seen.id);
      const key = file({ ...seen, state: "exited", exitCode: event.exitCode, finishedAtMs: event.atMs });
      if (key !== null) onChange(key);
      return;
    }
    inspect(event.containerId).catch(broken);
  };

  const list = async (wanted: ContainerFilter, replaces: readonly OwnerKey[] | null): Promise<void> => {
    const before = new Map(revisions);
    const containers = await engine.list(wanted);
    const fresh = new Map<OwnerKey, Map<string, Container>>();
    for (const container of containers) {
      const key = ownerKeyOf(container);
      if (key === null) continue;
      // Changed while the list was under way: what the events said since is the newer truth.
      const newer = revisions.get(container.id) !== before.get(container.id) ? find(container.id) : null;
      const place = fresh.get(key) ?? new Map<string, Container>();
      fresh.set(key, place.set(container.id, newer ?? container));
    }
    if (replaces === null) files = fresh;
    else for (const key of replaces) files.set(key, fresh.get(key) ?? new Map());
    for (const id of before.keys()) if (find(id) === null) revisions.delete(id);
  };

  const refresh = async (): Promise<void> => {
    try {
      const [value] = await Promise.all([engine.ping(), list(filter(), null)]);
      answered(value);
    } catch (error) {
      fellSilent(error);
    }
  };
  const probe = async (): Promise<void> => {
    try {
      const value = await engine.ping();
      // Only a list makes a silent host speak again: its containers may have changed meanwhile.
      if (silentSinceMs === null) answered(value);
      else await refresh();
    } catch (error) {
      fellSilent(error);
    }
  };

  return {
    host: engine.host,
    engine: () => facts,
    silentSinceMs: () => silentSinceMs,
    swarmNodeId: () => swarmNodeId,
    containers: (key) => files.get(key)?.values() ?? [],
    load: () => {
      let running = 0;
      for (const place of files.values()) for (const { state } of place.values()) if (state === "running") running += 1;
      return running;
    },
    refresh,
    async refreshService(wanted, keys) {
      try {
        const [value] = await Promise.all([engine.ping(), list(wanted, keys)]);
        if (silentSinceMs === null) answered(value);
        else await refresh();
      } catch (error) {
        fellSilent(error);
      }
    },
    probe,
    async follow(signal) {
      let waitMs = RECONNECT_MIN_MS;
      while (!signal.aborted) {
        const round = new AbortController();
        const stop = () => round.abort();
        signal.addEventListener("abort", stop, { once: true });
        const broken = (error: unknown): void => {
          if (round.signal.aborted) return;
          fellSilent(error);
          round.abort();
        };
        const opened = (): void => {
          waitMs = RECONNECT_MIN_MS;
          refresh().then(() => {
            onChange(null);
            return watchOver(round.signal, broken);
          }, broken);
        };
        try {
          await engine.follow(round.signal, opened, (event) => take(event, broken));
        } catch (error) {
          broken(error);
        }
        round.abort();
        signal.removeEventListener("abort", stop);
        if (signal.aborted) break;
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(RECONNECT_MAX_MS, waitMs * 2);
      }
    },
  };

  /** An event stream may be half-open: only an answer tells that the engine is there. */
  async function watchOver(signal: AbortSignal, broken: (error: unknown) => void): Promise<void> {
    while ((await clock.sleep(PROBE_EVERY_MS, signal)) === "elapsed") {
      await probe();
      if (facts.kind === "unknown") return broken(new Error(facts.reason));
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
