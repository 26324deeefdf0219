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
  /** For how long some source has spoken against it, or had until `lagMs` ago; 0 when none has. */
  blamedForMs(container: TrueContainer, lagMs: number): number;
  /** Whether the machine has ever answered the controller. */
  hasSeen(process: Process, machine: string): boolean;
  /** Whether it serves, as far as anybody can tell: what nothing checks serves as long as it runs. */
  serves(container: TrueContainer): boolean;
  /** Whether the controller may rightly take the machine for lost: silent for so long, and a second source agrees. */
  mayBeLost(process: Process, machine: string, lostAfterMs: number, lagMs: number): boolean;
  /** So long a controller may act on what has just ceased to be so. */
  lagMs(machine: string): number;

  contacted(process: Process, machine: string): void;
  /** From now on, or until now, the machine has answered every question, though none was played. */
  answersAll(process: Process, machine: string, answers: boolean): void;
  disturbed(machine: string, untilMs: number): void;
  changed(container: TrueContainer): void;
  wishes(services: readonly Service[]): void;
}

export interface TruthDeps {
  readonly scheduler: Scheduler;
  readonly servers: ConsulServers;
  readonly environment: string;
  readonly resyncMs: number;
  /** When the Swarm managers last called the machine down; infinite while they do. */
  readonly swarmDownUntilMs: (machine: string) => number;
}

/** A time during which a source spoke against something; `untilMs` is infinite while it does. */
interface Blame {
  readonly sinceMs: number;
  untilMs: number;
}

interface Contact {
  lastMs: number;
  answersAll: boolean;
  /** The last silence of some length, and when it ended. */
  silence: { readonly lastedMs: number; readonly untilMs: number };
}

interface Wish {
  readonly atMs: number;
  readonly service: Service | undefined;
}

/** For how long before the truth a controller may excusably have measured an unhealthy or silent time. */
export const toleranceMs = 3_000;
/** No host is lost sooner. */
const noteworthyMs = 5_000;
const rememberGoneMs = 120_000;
const usualLagMs = 8_000;

export function truth({ scheduler, servers, environment, resyncMs, swarmDownUntilMs }: TruthDeps): Truth {
  const byService = new Map<string, Set<TrueContainer>>();
  const gone: { readonly atMs: number; readonly owner: string; readonly container: TrueContainer }[] = [];
  const history = new Map<string, Wish[]>();
  const contacts = new Map<Process, Map<string, Contact>>();
  const disturbedUntil = new Map<string, number>();
  const blames = new Map<string, Blame>();
  let current: readonly Service[] = [];

  servers.onStatus((node, id, status) => {
    const key = `${node} ${id ?? ""}`;
    const last = blames.get(key);
    const goesOn = last !== undefined && last.untilMs === Number.POSITIVE_INFINITY;
    // What Consul does not list is as good as critical to who looks for it.
    if (status === "critical" || status === null) {
      if (!goesOn) blames.set(key, { sinceMs: scheduler.nowMs(), untilMs: Number.POSITIVE_INFINITY });
    } else if (goesOn) last.untilMs = scheduler.nowMs();
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
  /** How long the blames that reach into the last `lagMs` have gone on, one taking over from the other. */
  const together = (blamed: readonly Blame[], lagMs: number): number => {
    let sinceMs = scheduler.nowMs() - lagMs;
    let untilMs = 0;
    const latestFirst = [...blamed].sort((a, b) => b.untilMs - a.untilMs);
    for (const blame of latestFirst) {
      if (blame.untilMs < sinceMs - (untilMs === 0 ? 0 : lagMs)) continue;
      sinceMs = untilMs === 0 ? blame.sinceMs : Math.min(sinceMs, blame.sinceMs);
      untilMs = Math.max(untilMs, Math.min(blame.untilMs, scheduler.nowMs()));
    }
    return untilMs === 0 ? 0 : untilMs - sinceMs;
  };
  const blamesOf = (container: TrueContainer): readonly Blame[] => {
    const node = `${container.machine}-node`;
    const entry = servers.entriesOf(node).find(({ meta }) => meta[META.container] === container.name);
    // Where Docker's own check is asked, it takes until its next round to say so.
    const noticedMs = container.template.healthcheck?.intervalMs ?? 0;
    const silence: Blame = {
      sinceMs: container.silentSinceMs,
      untilMs: container.serving ? (container.servingSinceMs ?? 0) + noticedMs : Number.POSITIVE_INFINITY,
    };
    return [
      silence,
      ...[blames.get(`${node} `), blames.get(`${node} ${entry?.id}`)].filter((blame) => blame !== undefined),
    ];
  };

  /** For how long the machine has not answered the controller, or had not until `lagMs` ago. */
  const silentForMs = (process: Process, machine: string, lagMs: number): number => {
    const nowMs = scheduler.nowMs();
    const contact = contacts.get(process)?.get(machine);
    if (contact === undefined) return nowMs - process.startedAtMs;
    const before = nowMs - contact.silence.untilMs <= lagMs ? contact.silence.lastedMs : 0;
    return contact.answersAll ? before : Math.max(before, nowMs - contact.lastMs);
  };
  /** Whether Consul's node check or the Swarm managers call the machine gone, or have within `withinMs`. */
  const calledGone = (machine: string, withinMs: number): boolean => {
    const untilMs = blames.get(`${machine}-node `)?.untilMs ?? Number.NEGATIVE_INFINITY;
    return Math.max(untilMs, swarmDownUntilMs(machine)) >= scheduler.nowMs() - withinMs;
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
    blamedForMs: (container, lagMs) => together(blamesOf(container), lagMs),
    hasSeen: (process, machine) => contacts.get(process)?.has(machine) ?? false,
    serves(container) {
      const owner = ownerOf(container);
      const service = owner === null ? undefined : wish(owner);
      const isChecked = service === undefined || service.consul !== null || container.template.healthcheck !== null;
      return isUp(container) && (container.serving || (!isChecked && container.state === "running"));
    },
    mayBeLost: (process, machine, lostAfterMs, lagMs) =>
      silentForMs(process, machine, lagMs) >= lostAfterMs - toleranceMs && calledGone(machine, lagMs),
    lagMs(machine) {
      const untilMs = Math.max(disturbedUntil.get(machine) ?? 0, disturbedUntil.get("") ?? 0);
      return scheduler.nowMs() < untilMs + resyncMs + usualLagMs ? resyncMs + 4 * usualLagMs : usualLagMs;
    },

    contacted(process, machine) {
      let own = contacts.get(process);
      if (own === undefined) contacts.set(process, (own = new Map()));
      const nowMs = scheduler.nowMs();
      const contact = own.get(machine);
      const silence = { lastedMs: nowMs - (contact?.lastMs ?? process.startedAtMs), untilMs: nowMs };
      if (contact === undefined) own.set(machine, { lastMs: nowMs, answersAll: false, silence });
      else {
        if (silence.lastedMs > noteworthyMs && !contact.answersAll) contact.silence = silence;
        contact.lastMs = nowMs;
      }
    },
    answersAll(process, machine, answers) {
      const contact = contacts.get(process)?.get(machine);
      if (contact === undefined) return;
      contact.answersAll = answers;
      contact.lastMs = scheduler.nowMs();
    },
    disturbed: (machine, untilMs) =>
      void disturbedUntil.set(machine, Math.max(untilMs, disturbedUntil.get(machine) ?? 0)),
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
