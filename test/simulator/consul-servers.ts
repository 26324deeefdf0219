import type { CheckStatus, Registration } from "../../src/model/instance.ts";
import type { NodeHealth, NodeService, NotPassing } from "../../src/ports/registry.ts";
import type { Dice } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the servers hold of one service instance: what its agent last told them, unless somebody wrote over it. */
export interface CatalogEntry {
  readonly node: string;
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly tagOverride: boolean;
  readonly status: CheckStatus;
  readonly output: string;
  readonly maintenance: string | null;
}

/** A part of the catalog that can be watched; it has an index of its own. */
export type Topic =
  | `service:${string}`
  | `node:${string}`
  | "nodes"
  | "names"
  | "warning"
  | "critical"
  | `key:${string}`;

export interface View<T> {
  readonly value: T;
  readonly index: number;
}

/** The Consul servers as one: their catalog, its past (for stale reads), their leader, and who waits for a change. */
export interface ConsulServers {
  readonly nodes: ReadonlyMap<string, NodeHealth>;
  hasLeader(): boolean;
  loseLeader(): void;
  electLeader(): void;
  onLeader(look: () => void): void;

  entry(node: string, id: string): PlacedEntry | undefined;
  entriesOf(node: string): readonly PlacedEntry[];
  put(entry: CatalogEntry): void;
  /** In one transaction: nobody sees some of it. */
  putAll(entries: readonly CatalogEntry[]): void;
  drop(node: string, id: string): void;
  putNode(node: NodeHealth): void;

  service(name: string, lagMs: number): View<readonly Registration[]>;
  notPassing(state: "warning" | "critical"): View<readonly NotPassing[]>;
  nodeList(): View<readonly NodeHealth[]>;
  names(): View<readonly string[]>;
  servicesOn(node: string): View<readonly NodeService[]>;
  indexOf(topic: Topic): number;
  /** A write that touches only this topic (a key); gives the new index. */
  touch(topic: Topic): number;
  /** Wakes after the topic changed or the leader is gone; the caller cancels when it stops waiting. */
  waitFor(topic: Topic, wake: () => void): () => void;
  waiters(): number;
  /** Hears of every new status: of a node (`id` null) or of a service instance; null when it is gone. */
  onStatus(look: (node: string, id: string | null, status: CheckStatus | null) => void): void;
  /** Hears the name of every service of which anything has changed. */
  onService(look: (name: string) => void): void;

  /** Everything known is lost, as when the servers come back with empty disks. */
  wipe(): void;
  /** The index goes back, as when an old snapshot is restored. */
  setIndexBack(): void;
}

/** An entry with the index at which what was registered (not what its checks say) last changed. */
export interface PlacedEntry extends CatalogEntry {
  readonly modifyIndex: number;
}

interface Row {
  readonly entries: Map<string, PlacedEntry>;
  /** Newest last. */
  readonly history: { readonly atMs: number; readonly view: View<readonly Registration[]> }[];
}

/** How far back stale reads can reach, in changes of one service. */
const historyMax = 16;

export function consulServers(scheduler: Scheduler, dice: Dice): ConsulServers {
  const rows = new Map<string, Row>();
  const placed = new Map<string, PlacedEntry>();
  const nodes = new Map<string, NodeHealth>();
  const indexes = new Map<Topic, number>();
  const waiting = new Map<Topic, Set<() => void>>();
  const leaderWatchers: (() => void)[] = [];
  const serviceWatchers: ((name: string) => void)[] = [];
  const statusWatchers: ((node: string, id: string | null, status: CheckStatus | null) => void)[] = [];
  let index = dice.int(10, 500);
  let oldest = 1;
  let leader = true;

  const wake = (topic: Topic): void => {
    const sleepers = waiting.get(topic);
    if (sleepers === undefined) return;
    waiting.delete(topic);
    for (const one of sleepers) one();
  };
  const mark = (topic: Topic): void => {
    indexes.set(topic, index);
    wake(topic);
  };
  /** Consul moves the index of its list of services with every registration, and that of the node. */
  const markMembership = (node: string): void => {
    mark("names");
    mark(`node:${node}`);
  };
  const rowOf = (name: string): Row => {
    let row = rows.get(name);
    if (row === undefined) rows.set(name, (row = { entries: new Map(), history: [] }));
    return row;
  };
  const remember = (name: string, row: Row): void => {
    const value = [...row.entries.values()].map((entry) => registration(entry, nodes.get(entry.node)));
    row.history.push({ atMs: scheduler.nowMs(), view: { value, index: indexes.get(`service:${name}`) ?? oldest } });
    if (row.history.length > historyMax) row.history.shift();
  };
  const changedService = (name: string): void => {
    indexes.set(`service:${name}`, index);
    remember(name, rowOf(name));
    for (const look of serviceWatchers) look(name);
    wake(`service:${name}`);
  };
  const tell = (node: string, id: string | null, status: CheckStatus | null): void => {
    for (const look of statusWatchers) look(node, id, status);
  };
  const statusChanged = (before: CheckStatus | undefined, after: CheckStatus | undefined): void => {
    if (before === after) return;
    if (before === "critical" || after === "critical") mark("critical");
    if (before === "warning" || after === "warning") mark("warning");
  };

  /** Writes an entry; what it gives tells everybody. */
  const place = (entry: CatalogEntry): (() => void) => {
    const key = `${entry.node} ${entry.id}`;
    if (placed.get(key) !== undefined && placed.get(key)!.name !== entry.name) drop(entry.node, entry.id);
    const before = placed.get(key);
    index += 1;
    const isSame = before !== undefined && isSameRegistration(before, entry);
    const now: PlacedEntry = { ...entry, modifyIndex: isSame ? before.modifyIndex : index };
    placed.set(key, now);
    rowOf(entry.name).entries.set(key, now);
    return () => {
      if (!isSame) markMembership(entry.node);
      statusChanged(before === undefined ? undefined : statusOf(before), statusOf(entry));
      changedService(entry.name);
      tell(entry.node, entry.id, statusOf(entry));
    };
  };
  const drop = (node: string, id: string): void => {
    const key = `${node} ${id}`;
    const before = placed.get(key);
    if (before === undefined) return;
    index += 1;
    placed.delete(key);
    rowOf(before.name).entries.delete(key);
    markMembership(node);
    statusChanged(statusOf(before), undefined);
    changedService(before.name);
    tell(node, id, null);
  };

  return {
    nodes,
    hasLeader: () => leader,
    loseLeader() {
      leader = false;
      for (const topic of waiting.keys()) wake(topic);
    },
    electLeader() {
      leader = true;
      for (const look of leaderWatchers) look();
    },
    onLeader: (look) => void leaderWatchers.push(look),

    entry: (node, id) => placed.get(`${node} ${id}`),
    entriesOf: (node) => [...placed.values()].filter((entry) => entry.node === node),
    put(entry) {
      this.putAll([entry]);
    },
    putAll(entries) {
      const announcements = entries.map(place);
      for (const announce of announcements) announce();
    },
    drop,
    putNode(node) {
      const before = nodes.get(node.node);
      index += 1;
      nodes.set(node.node, node);
      mark("nodes");
      statusChanged(before?.status, node.status);
      for (const [name, row] of rows) {
        for (const entry of row.entries.values()) {
          if (entry.node !== node.node) continue;
          changedService(name); // a node's own check wakes every health query about what runs there
          break;
        }
      }
      tell(node.node, null, node.status);
    },

    service(name, lagMs) {
      const row = rows.get(name);
      if (row === undefined || row.history.length === 0) return { value: [], index: Math.max(1, oldest) };
      const until = scheduler.nowMs() - lagMs;
      for (let at = row.history.length - 1; at >= 0; at -= 1) {
        if (lagMs === 0 || row.history[at]!.atMs <= until) return row.history[at]!.view;
      }
      return row.history[0]!.view;
    },
    notPassing(state) {
      const value: NotPassing[] = [];
      for (const entry of placed.values()) {
        if (statusOf(entry) !== state) continue;
        value.push({ node: entry.node, serviceName: entry.name, serviceId: entry.id, checkId: `service:${entry.id}` });
      }
      for (const node of nodes.values()) {
        if (node.status === state)
          value.push({ node: node.node, serviceName: null, serviceId: null, checkId: "serfHealth" });
      }
      return { value, index: this.indexOf(state) };
    },
    nodeList() {
      return { value: [...nodes.values()], index: this.indexOf("nodes") };
    },
    names() {
      const value = [...rows].filter(([, row]) => row.entries.size > 0).map(([name]) => name);
      return { value, index: this.indexOf("names") };
    },
    servicesOn(node) {
      const value: NodeService[] = [];
      for (const one of placed.values()) {
        if (one.node === node) value.push({ id: one.id, serviceName: one.name, modifyIndex: one.modifyIndex });
      }
      return { value, index: this.indexOf(`node:${node}`) };
    },
    indexOf: (topic) => indexes.get(topic) ?? oldest,
    touch(topic) {
      index += 1;
      mark(topic);
      return index;
    },
    waitFor(topic, wakeUp) {
      let sleepers = waiting.get(topic);
      if (sleepers === undefined) waiting.set(topic, (sleepers = new Set()));
      sleepers.add(wakeUp);
      return () => void sleepers.delete(wakeUp);
    },
    waiters() {
      let count = 0;
      for (const sleepers of waiting.values()) count += sleepers.size;
      return count;
    },

    onStatus: (look) => void statusWatchers.push(look),
    onService: (look) => void serviceWatchers.push(look),

    wipe() {
      for (const entry of placed.values()) drop(entry.node, entry.id);
      nodes.clear();
      index += 1;
      mark("nodes");
    },
    setIndexBack() {
      index = Math.max(2, Math.floor(index / 2));
      oldest = 1;
      for (const topic of indexes.keys()) indexes.set(topic, index);
      for (const [name, row] of rows) remember(name, row);
      for (const topic of waiting.keys()) wake(topic);
    },
  };
}

function registration(entry: PlacedEntry, on: NodeHealth | undefined): Registration {
  const { id, name, node, port, tags, meta, maintenance, output, modifyIndex } = entry;
  const address = entry.address === "" ? (on?.address ?? "") : entry.address;
  const nodeStatus = on?.status ?? "passing"; // as long as gossip has no check of it
  return {
    id,
    name,
    node,
    nodeStatus,
    address,
    port,
    tags,
    meta,
    status: statusOf(entry),
    inMaintenance: maintenance !== null,
    ...(maintenance === null ? {} : { maintenanceReason: maintenance }),
    output,
    modifyIndex,
  };
}

function statusOf(entry: CatalogEntry): CheckStatus {
  return entry.maintenance !== null ? "critical" : entry.status;
}

export function isSameRegistration(a: CatalogEntry, b: CatalogEntry): boolean {
  if (a.name !== b.name || a.address !== b.address || a.port !== b.port || a.tagOverride !== b.tagOverride)
    return false;
  return isSameList(a.tags, b.tags) && (a.meta === b.meta || JSON.stringify(a.meta) === JSON.stringify(b.meta));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((one, at) => one === b[at]));
}
