import type { Container } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContainerFilter, Engine, EngineEvent } from "../ports/engine.ts";
import type { EngineFacts } from "./contact.ts";
import { openContact } from "./contact.ts";
import { openContainerFiles } from "./container-files.ts";
import { followHost } from "./follow-host.ts";
import type { OwnerKey } from "./ownership.ts";
import { concerns } from "./ownership.ts";

export interface HostMirrorDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  /** What to list; asked anew for each list, since the desired state changes. */
  readonly filter: () => ContainerFilter;
  /** Tells which services' containers changed; null: the host itself began or ceased to answer. */
  readonly onChange: (key: OwnerKey | null) => void;
  /** Told when the host begins to hold containers under a key, and when it has none left. */
  readonly onHolder?: (key: OwnerKey, holds: boolean) => void;
}

/** What one engine runs, kept true by its events, or listed on demand. */
export interface HostMirror {
  readonly host: string;
  engine(): Known<EngineFacts>;
  silentSinceMs(): number | null;
  /** The last one it told, also while it is silent: the managers know a dead node by it. */
  swarmNodeId(): string | null;
  containers(key: OwnerKey): readonly Container[];
  /** Containers of all keys that run. */
  load(): number;
  /** Lists everything anew. Never rejects: an engine that does not answer becomes silent. */
  refresh(): Promise<void>;
  /** Lists one service anew, and replaces what was filed under its keys. Asks nothing of a silent engine. Never rejects. */
  refreshService(filter: ContainerFilter, keys: readonly OwnerKey[]): Promise<void>;
  /** Asks at once whether the engine answers. */
  probe(): Promise<void>;
  /** Keeps the mirror true until the signal fires. */
  follow(signal: AbortSignal): Promise<void>;
}

/** An engine that was there takes milliseconds to say so; one whose machine is gone takes for ever. */
const ANSWER_WITHIN_MS = 2_000;

/** Opens a mirror that has seen nothing yet: unknown, until the first refresh or follow. */
export function openHostMirror({ engine, clock, filter, onChange, onHolder }: HostMirrorDeps): HostMirror {
  const files = openContainerFiles(onHolder);
  const contact = openContact(engine.host, clock, () => onChange(null));
  const inspecting = new Map<string, { again: boolean }>();
  /** As of the last full list: what is not listed is not listened to. */
  let listened: ContainerFilter | null = null;
  let probing: Promise<void> | null = null;

  const tell = (key: OwnerKey | null): void => {
    if (key !== null) onChange(key);
  };
  /** The first connection may take long; whoever answered before is given little time. */
  const ping = (): Promise<EngineFacts> =>
    contact.facts().kind === "known" ? within(clock, ANSWER_WITHIN_MS, engine.ping()) : engine.ping();

  const list = async (wanted: ContainerFilter, keys: readonly OwnerKey[] | null): Promise<void> => {
    const look = files.begin();
    try {
      const doubtful = files.listed(look, await engine.list(wanted), keys);
      for (const id of doubtful) inspect(id).catch((error: unknown) => contact.failed(error));
    } catch (error) {
      files.abandon(look);
      throw error;
    }
  };

  /** Only a whole list makes a silent engine speak again, and only if nothing has failed since it was begun. */
  const refresh = async (): Promise<void> => {
    const failuresBefore = contact.failures();
    try {
      listened = filter();
      const [facts] = await Promise.all([ping(), list(listened, null)]);
      if (contact.failures() === failuresBefore) contact.answered(facts);
    } catch (error) {
      contact.failed(error);
    }
  };

  const probeOnce = async (): Promise<void> => {
    if (contact.facts().kind === "unknown") return refresh();
    try {
      const failuresBefore = contact.failures();
      const facts = await ping();
      if (contact.failures() === failuresBefore) contact.answered(facts);
    } catch (error) {
      contact.failed(error);
    }
  };
  const probe = (): Promise<void> => {
    probing ??= probeOnce().finally(() => (probing = null));
    return probing;
  };

  /** One inspection per container at a time; whatever is told of it meanwhile makes for one more afterwards. */
  const inspect = async (id: string): Promise<void> => {
    const underWay = inspecting.get(id);
    if (underWay !== undefined) {
      underWay.again = true;
      return;
    }
    const mine = { again: true };
    inspecting.set(id, mine);
    try {
      while (mine.again) {
        mine.again = false;
        await inspectOnce(id);
      }
    } finally {
      inspecting.delete(id);
    }
  };
  const inspectOnce = async (id: string): Promise<void> => {
    const look = files.begin();
    try {
      tell(files.inspected(look, id, await engine.inspect(id)));
    } catch (error) {
      files.abandon(look);
      throw error;
    }
  };

  /** A death is believed as it is told, unless the engine itself starts the container again; all else is looked up. */
  const take = (event: EngineEvent): void => {
    const seen = files.find(event.containerId);
    if (event.kind === "removed") return tell(files.remove(event.containerId));
    if (event.kind === "died" && seen !== null && !seen.restartsItself) return tell(files.put(ended(seen, event)));
    if (seen === null && (listened === null || !concerns(event.labels, listened))) return;
    inspect(event.containerId).catch((error: unknown) => contact.failed(error));
  };

  return {
    host: engine.host,
    engine: contact.facts,
    silentSinceMs: contact.silentSinceMs,
    swarmNodeId: contact.swarmNodeId,
    containers: files.under,
    load: files.running,
    refresh,
    async refreshService(wanted, keys) {
      if (contact.facts().kind === "unknown") return;
      const failuresBefore = contact.failures();
      try {
        const [facts] = await Promise.all([ping(), list(wanted, keys)]);
        if (contact.failures() === failuresBefore) contact.answered(facts);
      } catch (error) {
        contact.failed(error);
      }
    },
    probe,
    follow: (signal) =>
      followHost(
        { engine, clock },
        {
          opened: refresh,
          event: take,
          broken: contact.failed,
          isAlive: async () => {
            await probe();
            return contact.facts().kind === "known";
          },
        },
        signal,
      ),
  };
}

function ended(container: Container, event: EngineEvent): Container {
  return {
    ...container,
    state: "exited",
    health: "none",
    exitCode: event.exitCode,
    finishedAtMs: event.atMs,
    address: null,
    ports: [],
  };
}

async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
