import type { Container } from "../model/instance.ts";
import type { OwnerKey } from "./ownership.ts";
import { ownerKeyOf } from "./ownership.ts";

/**
 * The containers of one engine, filed under whom they concern. Looks (a list, an inspection) take time, and what they
 * bring may be older than what an event has told meanwhile. So each look takes a ticket when it is begun, and is
 * believed only where nothing newer than its ticket is known: no later event, and no look that was begun later.
 */
export interface ContainerFiles {
  under(key: OwnerKey): readonly Container[];
  find(id: string): Container | null;
  /** Containers of all keys that run. */
  running(): number;
  /** An event's word, newer than anything before it. Gives the key under which it changed something, if any. */
  put(container: Container): OwnerKey | null;
  remove(id: string): OwnerKey | null;
  /** To be ended with exactly one of the three below. */
  begin(): Look;
  /** null: there is no such container (any more), or none that concerns us. */
  inspected(look: Look, id: string, container: Container | null): OwnerKey | null;
  /**
   * A whole list; with `keys`, only of what belongs under these. Gives the ids of those that it calls running although
   * an event told their death: an engine tells of a death before its own list knows. They stay as the event has it, and
   * are to be inspected.
   */
  listed(look: Look, containers: readonly Container[], keys: readonly OwnerKey[] | null): readonly string[];
  abandon(look: Look): void;
}

/** The moment at which a look was begun. */
export interface Look {
  readonly ticket: number;
}

interface Filed {
  readonly key: OwnerKey;
  container: Container;
  /** Nothing that was begun before this moment changes it. */
  asOf: number;
  /** By an event, not by a look. */
  isTold: boolean;
}

/** What most hosts have of most services. */
const none: readonly Container[] = [];

/** `onHolder` is told when the first container is filed under a key, and when the last one is gone. */
export function openContainerFiles(
  onHolder: (key: OwnerKey, holds: boolean) => void = () => undefined,
): ContainerFiles {
  const byId = new Map<string, Filed>();
  /** Lists that are replaced and never changed: a host mostly has one container of a service. */
  const byKey = new Map<OwnerKey, readonly Container[]>();
  /** Since when what is under a key is known in full: the ticket of its last list. */
  const listedAt = new Map<OwnerKey, number>();
  let allListedAt = 0;
  /** The last whole list, as long as what is filed is exactly that. */
  let whole: readonly Container[] | null = null;
  /** What is gone and since when, for as long as a look under way may bring it back. */
  const gone = new Map<string, number>();
  const underWay = new Set<number>();
  let moment = 0;
  let runningCount = 0;

  const under = (key: OwnerKey): readonly Container[] => byKey.get(key) ?? none;
  const drop = (id: string): OwnerKey | null => {
    const filed = byId.get(id);
    if (filed === undefined) return null;
    whole = null;
    byId.delete(id);
    const left = under(filed.key).filter((one) => one.id !== id);
    if (left.length > 0) byKey.set(filed.key, left);
    else {
      byKey.delete(filed.key);
      onHolder(filed.key, false);
    }
    if (filed.container.state === "running") runningCount -= 1;
    return filed.key;
  };
  const file = (container: Container, asOf: number, isTold = false): OwnerKey | null => {
    const { id } = container;
    gone.delete(id);
    const key = ownerKeyOf(container);
    const there = byId.get(id);
    if (there !== undefined && there.key === key) {
      // The common case of a list: nothing moves, and nobody need be told.
      runningCount += Number(container.state === "running") - Number(there.container.state === "running");
      if (there.container !== container || isTold) whole = null;
      if (there.container !== container) {
        const replaced = under(key).map((one) => (one.id === id ? container : one));
        byKey.set(key, replaced);
      }
      there.container = container;
      there.asOf = asOf;
      there.isTold = isTold;
      return key;
    }
    const before = drop(id);
    if (key === null) return before;
    whole = null;
    byId.set(id, { key, container, asOf, isTold });
    const others = under(key);
    byKey.set(key, others.concat(container));
    if (others.length === 0) onHolder(key, true);
    if (container.state === "running") runningCount += 1;
    return key;
  };
  const bury = (id: string, asOf: number): OwnerKey | null => {
    gone.delete(id);
    if (underWay.size > 0) gone.set(id, asOf);
    return drop(id);
  };
  const end = ({ ticket }: Look): void => {
    underWay.delete(ticket);
    if (underWay.size > 0) return;
    gone.clear();
  };
  const isCovered = (key: OwnerKey | null, { ticket }: Look): boolean =>
    Math.max(allListedAt, key === null ? 0 : (listedAt.get(key) ?? 0)) > ticket;
  const isOutdated = (id: string, { ticket }: Look): boolean =>
    Math.max(byId.get(id)?.asOf ?? 0, gone.get(id) ?? 0) > ticket;

  return {
    under,
    find: (id) => byId.get(id)?.container ?? null,
    running: () => runningCount,
    put: (container) => file(container, (moment += 1), true),
    remove: (id) => bury(id, (moment += 1)),
    begin() {
      moment += 1;
      underWay.add(moment);
      return { ticket: moment };
    },
    inspected(look, id, container) {
      const key = container === null ? (byId.get(id)?.key ?? null) : ownerKeyOf(container);
      const isStale = isOutdated(id, look) || isCovered(key, look);
      const changed = isStale ? null : container === null ? bury(id, look.ticket) : file(container, look.ticket);
      end(look);
      return changed;
    },
    listed(look, containers, keys) {
      const coverAll = (): void => {
        allListedAt = Math.max(allListedAt, look.ticket);
        for (const [key, ticket] of listedAt) if (ticket <= allListedAt) listedAt.delete(key);
      };
      if (keys === null && containers === whole) {
        coverAll();
        end(look);
        return [];
      }
      const fresh = new Set<string>();
      const doubtful: string[] = [];
      let isFiledWhole = keys === null;
      for (const container of containers) {
        const key = ownerKeyOf(container);
        if (key === null || (keys !== null && !keys.includes(key))) continue;
        if (isCovered(key, look)) {
          isFiledWhole = false;
          continue;
        }
        fresh.add(container.id);
        const filed = byId.get(container.id);
        const isDoubtful =
          filed?.isTold === true && filed.container.state === "exited" && container.state === "running";
        const isOld = isOutdated(container.id, look);
        if (isOld || isDoubtful) isFiledWhole = false;
        if (isOld) continue;
        if (isDoubtful) doubtful.push(container.id);
        else file(container, look.ticket);
      }
      for (const key of keys ?? [...byKey.keys()]) {
        if (isCovered(key, look)) continue;
        for (const { id } of under(key)) {
          if (fresh.has(id)) continue;
          if (isOutdated(id, look)) isFiledWhole = false;
          else bury(id, look.ticket);
        }
        if (keys !== null) listedAt.set(key, look.ticket);
      }
      if (keys === null) coverAll();
      if (isFiledWhole) whole = containers;
      end(look);
      return doubtful;
    },
    abandon: end,
  };
}
