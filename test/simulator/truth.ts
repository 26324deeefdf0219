import { LABEL, META } from "../../src/model/labels.ts";
import type { Service } from "../../src/model/service.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { ConsulServers } from "./consul-servers.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * What is so, whoever may know it: the containers of each service, how long each has been blamed by any source, what
 * was asked for and when, and how old a controller's knowledge may excusably be. The invariants are held against this.
 */
export interface Truth {
  /** Live and dead containers, those that were removed within the last two minutes included. */
  containersOf(service: string): Iterable<TrueContainer>;
  /** The service of ours that it belongs to, by label or by adoption; null when it is none of ours. */
  ownerOf(container: TrueContainer): string | null;
  wish(service: string): Service | undefined;
  services(): readonly Service[];
  /** The most and the fewest instances that were asked for within the last `withinMs`. */
  wished(service: string, withinMs: number): { readonly most: number; readonly fewest: number };
  /** Since when some source has spoken against it; null when none does. */
  blamedSinceMs(container: TrueContainer): number | null;
  /** For how long the machine has not answered the controller. */
  silentForMs(process: Process, machine: string): number;
  nodeCriticalWithinMs(machine: string, withinMs: number): boolean;
  /** So long a controller may act on what has just ceased to be so. */
  lagMs(machine: string): number;

  contacted(process: Process, machine: string): void;
  disturbed(machine: string, untilMs: number): void;
  changed(container: TrueContainer): void;
  wishes(services: readonly Service[]): void;
}

export interface TruthDeps {
  readonly scheduler: Scheduler;
  readonly servers: ConsulServers;
  readonly environment: string;
  readonly resyncMs: number;
}

interface Wish {
  readonly atMs: number;
  readonly service: Service | undefined;
}

const rememberGoneMs = 120_000;
const usualLagMs = 8_000;

export function truth({ scheduler, servers, environment, resyncMs }: TruthDeps): Truth {
  const byService = new Map<string, Set<TrueContainer>>();
  const gone: { readonly atMs: number; readonly owner: string; readonly container: TrueContainer }[] = [];
  const history = new Map<string, Wish[]>();
  const contacts = new Map<Process, Map<string, number>>();
  const disturbedUntil = new Map<string, number>();
  const criticalSince = new Map<string, number>();
  const nodeCriticalUntil = new Map<string, number>();
  let current: readonly Service[] = [];

  servers.onStatus((node, id, status) => {
    const key = `${node} ${id ?? ""}`;
    if (status === "critical") {
      if (!criticalSince.has(key)) criticalSince.set(key, scheduler.nowMs());
      return;
    }
    if (id === null && criticalSince.has(key)) nodeCriticalUntil.set(node, scheduler.nowMs());
    criticalSince.delete(key);
  });

  const wish = (name: string): Service | undefined => history.get(name)?.at(-1)?.service;
  const ownerOf = ({ labels, compose, swarmServiceName }: TrueContainer): string | null => {
    if (labels[LABEL.environment] === environment) return labels[LABEL.service] ?? null;
    for (const { name, adopt } of current) {
      if (swarmServiceName !== null && adopt.swarmService === swarmServiceName) return name;
      if (compose !== null && adopt.composeProject === compose.project) return name;
    }
    return null;
  };
  const forgetGone = (): void => {
    while (gone.length > 0 && scheduler.nowMs() - gone[0]!.atMs > rememberGoneMs) {
      const { owner, container } = gone.shift()!;
      byService.get(owner)?.delete(container);
    }
  };
  const criticalInConsulSince = (container: TrueContainer): number | null => {
    const node = `${container.machine}-node`;
    const nodeSince = criticalSince.get(`${node} `) ?? null;
    for (const entry of servers.entriesOf(node)) {
      if (entry.meta[META.container] !== container.name) continue;
      return earliest(nodeSince, criticalSince.get(`${node} ${entry.id}`) ?? null);
    }
    return nodeSince;
  };

  return {
    containersOf(service) {
      forgetGone();
      return byService.get(service) ?? [];
    },
    ownerOf,
    wish,
    services: () => current,
    wished(service, withinMs) {
      const wishes = history.get(service) ?? [];
      const sinceMs = scheduler.nowMs() - withinMs;
      let most = 0;
      let fewest = Number.POSITIVE_INFINITY;
      for (const [at, { service: asked }] of wishes.entries()) {
        if ((wishes[at + 1]?.atMs ?? Number.POSITIVE_INFINITY) < sinceMs) continue;
        most = Math.max(most, asked?.count ?? 0);
        fewest = Math.min(fewest, asked?.count ?? 0);
      }
      return { most, fewest: Number.isFinite(fewest) ? fewest : 0 };
    },
    blamedSinceMs(container) {
      if (!isUp(container) || !container.serving) return container.silentSinceMs;
      return criticalInConsulSince(container);
    },
    silentForMs: (process, machine) => scheduler.nowMs() - (contacts.get(process)?.get(machine) ?? process.startedAtMs),
    nodeCriticalWithinMs(machine, withinMs) {
      const node = `${machine}-node`;
      if (criticalSince.has(`${node} `)) return true;
      return scheduler.nowMs() - (nodeCriticalUntil.get(node) ?? Number.NEGATIVE_INFINITY) <= withinMs;
    },
    lagMs(machine) {
      const untilMs = Math.max(disturbedUntil.get(machine) ?? 0, disturbedUntil.get("") ?? 0);
      return scheduler.nowMs() < untilMs + resyncMs + usualLagMs ? resyncMs + 4 * usualLagMs : usualLagMs;
    },

    contacted(process, machine) {
      let own = contacts.get(process);
      if (own === undefined) contacts.set(process, (own = new Map()));
      own.set(machine, scheduler.nowMs());
    },
    disturbed: (machine, untilMs) => void disturbedUntil.set(machine, Math.max(untilMs, disturbedUntil.get(machine) ?? 0)),
    changed(container) {
      const owner = ownerOf(container);
      if (owner === null) return;
      let own = byService.get(owner);
      if (own === undefined) byService.set(owner, (own = new Set()));
      own.add(container);
      if (container.removed) gone.push({ atMs: scheduler.nowMs(), owner, container });
    },
    wishes(services) {
      const names = new Set([...history.keys(), ...services.map(({ name }) => name)]);
      current = services;
      for (const name of names) {
        const service = services.find((one) => one.name === name);
        const wishes = history.get(name) ?? [];
        history.set(name, [...wishes, { atMs: scheduler.nowMs(), service }]);
      }
    },
  };
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
