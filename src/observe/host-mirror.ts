import type { Container } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContainerFilter, Engine, EngineEvent } from "../ports/engine.ts";
import type { EngineFacts } from "./contact.ts";
import { openContact } from "./contact.ts";
import { openContainerFiles } from "./container-files.ts";
import { followHost } from "./follow-host.ts";
import { openInspections } from "./inspections.ts";
import { pingInsistently } from "./insistent-ping.ts";
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
  /** Whether it is being asked, and has not answered for longer than an engine that is there takes between two answers. */
  isOverdue(): boolean;
  /** Its answer is not waited for any longer: it is silent, for this reason. */
  giveUp(reason: string): void;
  /** Keeps the mirror true until the signal fires. */
  follow(signal: AbortSignal): Promise<void>;
}

/** It is asked once a second and has two for its answer: half a second has been spent on one that does not come. */
const OVERDUE_AFTER_MS = 1_500;

/** Opens a mirror that has seen nothing yet: unknown, until the first refresh or follow. */
export function openHostMirror({ engine, clock, filter, onChange, onHolder }: HostMirrorDeps): HostMirror {
  const files = openContainerFiles(onHolder);
  const contact = openContact(engine.host, clock, () => onChange(null));
  /** As of the last full list: what is not listed is not listened to. */
  let listened: ContainerFilter | null = null;
  let probing: Promise<void> | null = null;

  /** An answer that nobody waits for any more still tells that the host is there: a slow one is not lost. */
  const heard = <T>(answer: Promise<T>): Promise<T> => {
    answer.then(contact.lives, () => {});
    return answer;
  };
  const inspect = openInspections({
    inspect: (id) => heard(engine.inspect(id)),
    files,
    onChange,
    onFailure: contact.failed,
  });
  /** The first connection may take long; whoever answered before is given little time. */
  const ping = (): Promise<EngineFacts> =>
    contact.facts().kind === "known" ? pingInsistently(engine, clock, heard) : heard(engine.ping());
  const list = async (wanted: ContainerFilter, keys: readonly OwnerKey[] | null): Promise<EngineFacts> => {
    const look = files.begin();
    try {
      const [facts, containers] = await Promise.all([ping(), heard(engine.list(wanted))]);
      files.listed(look, containers, keys).forEach(inspect);
      return facts;
    } catch (error) {
      files.abandon(look);
      throw error;
    }
  };
  /** Only a whole list makes a silent engine speak again. */
  const refresh = (): Promise<void> => {
    const wanted = filter();
    listened = wanted;
    return contact.ask(() => list(wanted, null));
  };
  const probe = (): Promise<void> => {
    const probed = contact.facts().kind === "unknown" ? refresh : () => contact.ask(ping);
    probing ??= probed().finally(() => (probing = null));
    return probing;
  };
  const change = (key: OwnerKey | null): void => {
    if (key !== null) onChange(key);
  };

  /** A death is believed as it is told, unless the engine itself starts the container again; all else is looked up. */
  const take = (event: EngineEvent): void => {
    const seen = files.find(event.containerId);
    if (event.kind === "removed") return change(files.remove(event.containerId));
    if (event.kind === "died" && seen !== null && !seen.restartsItself) return change(files.put(ended(seen, event)));
    if (seen !== null || (listened !== null && concerns(event.labels, listened))) inspect(event.containerId);
  };
  const isAlive = async (): Promise<boolean> => {
    await probe();
    return contact.facts().kind === "known";
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
      if (contact.facts().kind === "known") await contact.ask(() => list(wanted, keys));
    },
    probe,
    isOverdue() {
      const facts = contact.facts();
      return probing !== null && facts.kind === "known" && clock.steadyMs() - facts.atMs > OVERDUE_AFTER_MS;
    },
    giveUp: (reason) => contact.failed(new Error(reason)),
    follow(signal) {
      const opened = (): Promise<void> => {
        contact.lives();
        return refresh();
      };
      return followHost({ engine, clock }, { opened, event: take, broken: contact.failed, isAlive }, signal);
    },
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
