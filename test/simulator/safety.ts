import { defaultTerms } from "../../src/loop/lease.ts";
import { LABEL, META } from "../../src/model/labels.ts";
import type { Lease } from "../../src/ports/coordination.ts";
import type { Creation } from "../../src/ports/engine.ts";
import type { NewRegistration } from "../../src/ports/registry.ts";
import type { Agent } from "./consul-agent.ts";
import type { ConsulKeys } from "./consul-sessions.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { CoordinationWitness } from "./coordination.ts";
import type { EngineChange, EngineWitness } from "./engine.ts";
import { attempts } from "./attempts.ts";
import { blindness } from "./blindness.ts";
import { queryRules } from "./queries.ts";
import type { QueryWitness } from "./queries.ts";
import type { Process } from "./process.ts";
import type { RegistryWitness } from "./registry.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SwarmWitness } from "./swarm.ts";
import { toleranceMs } from "./truth.ts";
import type { Truth } from "./truth.ts";

/** A broken promise of scenarios.md, with the sentence that tells what happened. */
export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly what: string;
}

/** Hears of everything a controller does and holds it against the truth, at the moment it is sent and when it takes effect. */
export interface Safety extends EngineWitness, RegistryWitness, SwarmWitness, CoordinationWitness {
  readonly violations: readonly Violation[];
  scaledCompose(process: Process, project: string, service: string, to: number): void;
  /** Changes that took effect, by service, since the last time it was asked. */
  mutationsOf(service: string): number;
  lastMutationAtMs(service: string): number;
  violate(invariant: string, what: string): void;
  /** An order about the roles of a Redis service is sent. */
  orderedRoles(process: Process, service: string, what: string): void;
  /** Blocking queries are heard here. */
  readonly queries: QueryWitness;
  /** Other hands destroyed what `heal` remembers. */
  memoryLost(): void;
  wasMemoryLost(): boolean;
  /** Consul has lost its locks, and with them every lock-delay: nobody can know before his lease is over. */
  locksLost(): void;
}

export interface SafetyDeps {
  readonly scheduler: Scheduler;
  readonly truth: Truth;
  readonly keys: ConsulKeys;
  readonly environment: string;
  readonly lockDelayMs: number;
  readonly tell: (story: () => string) => void;
  /** A mutation that a person or another tool makes is no business of these rules. */
  readonly countReached: (name: string) => void;
}

export function safety(deps: SafetyDeps): Safety {
  const { scheduler, truth, keys, environment, tell } = deps;
  const violations: Violation[] = [];
  const leases = new Map<Process, Lease>();
  const sessions = new Map<string, { ttlMs: number; renewedAtMs: number }>();
  const mutations = new Map<string, { count: number; lastAtMs: number }>();
  /** By service and slot: a create whose outcome its sender was never told, and where. */
  const unclear = new Map<string, { readonly name: string; readonly machine: string; readonly atMs: number }>();
  let forgottenAtMs = Number.NEGATIVE_INFINITY;
  let locksLostAtMs = Number.NEGATIVE_INFINITY;
  const looks = new Map<Process, Map<string, number>>();

  const violate = (invariant: string, what: string): void => {
    tell(() => `VIOLATION ${invariant}: ${what}`);
    violations.push({ invariant, atMs: scheduler.nowMs(), what });
  };
  const tries = attempts({ scheduler, truth, violate });
  const blind = blindness({ scheduler, truth, violate });
  const mutated = (service: string | null): void => {
    const name = service ?? "";
    const before = mutations.get(name)?.count ?? 0;
    mutations.set(name, { count: before + 1, lastAtMs: scheduler.nowMs() });
  };

  /** S11 and S13: whoever sends a mutation holds the lock, and has renewed in time. */
  const mustLead = (process: Process, what: string, sequencer: string | null): void => {
    const lease = leases.get(process);
    if (lease === undefined) return violate("S13", `${process.name} ${what} and has never led`);
    const named = `${lease.sessionId}@${lease.lockIndex}`;
    if (sequencer !== null && sequencer !== named)
      violate("S11", `${process.name} ${what} as ${sequencer}, but leads as ${named}`);
    const session = sessions.get(lease.sessionId);
    const sinceMs = scheduler.nowMs() - (session?.renewedAtMs ?? 0);
    if (session !== undefined && sinceMs >= Math.min(session.ttlMs, deps.lockDelayMs)) {
      violate("S11", `${process.name} ${what} ${sinceMs} ms after its last renewal was sent`);
    }
    const holder = keys.leader().lease;
    const isExcused = scheduler.nowMs() - locksLostAtMs < deps.lockDelayMs;
    if (holder !== null && holder.sessionId !== lease.sessionId && !isExcused)
      violate("S13", `${process.name} ${what} while another leads`);
  };

  /** S8: what became of an unclear start is looked at before the slot is started anywhere else. */
  const mustHaveLooked = (process: Process, { labels, slot, name }: Creation, machine: string): void => {
    const service = labels[LABEL.service] ?? "";
    const key = `${service} ${slot}`;
    const open = unclear.get(key);
    if (open === undefined || (open.name === name && open.machine === machine)) return;
    const lookedAtMs = looks.get(process)?.get(open.machine) ?? Number.NEGATIVE_INFINITY;
    const lostAfterMs = truth.wish(service)?.healing.lostAfterMs ?? 0;
    const isLost = truth.mayBeLost(process, open.machine, lostAfterMs, truth.lagMs(open.machine));
    if (lookedAtMs < open.atMs && !isLost) {
      violate(
        "S8",
        `${process.name} starts ${name} on ${machine}, not having looked at ${open.machine} for ${open.name}`,
      );
    }
    unclear.delete(key);
  };

  const sent = (process: Process, change: EngineChange): void => {
    tell(() => `${process.name} sends ${sentence(change)}`);
    if (change.kind === "start") tries.starting(process, change.container);
    if (change.kind !== "create") return mustLead(process, sentence(change), null);
    const { creation, machine } = change;
    tries.creating(process, creation);
    mustLead(process, sentence(change), creation.labels[LABEL.sequencer] ?? "");
    mustHaveLooked(process, creation, machine);
    blind.starting(process, creation);
  };

  /** Started by `heal` itself, and its engine has not started it again since. */
  const isRemembered = ({ createdBy, createdAtMs, startedAtMs }: TrueContainer): boolean =>
    createdBy.startsWith("heal-") && createdAtMs > forgottenAtMs && (startedAtMs ?? 0) - createdAtMs < 5_000;

  /** S5 and S7: the slot's other instance is gone, blamed or lost; and there are not more than asked for. */
  const mustBeWanted = (process: Process, started: TrueContainer): void => {
    const name = truth.ownerOf(started);
    const service = name === null ? undefined : truth.wish(name);
    const lagMs = truth.lagMs(started.machine);
    if (name === null) return violate("S10", `${process.name} started ${started.name}, which is none of ours`);
    const unhealthyAfterMs = service?.healing.unhealthyAfterMs ?? 0;
    const lostAfterMs = service?.healing.lostAfterMs ?? 0;
    const counts = (one: TrueContainer): boolean => {
      if (!isUp(one) || one === started) return false;
      // What others start may be seen late; what `heal` itself starts is in Memory, and never news to it.
      if (!isRemembered(one) && scheduler.nowMs() - (one.startedAtMs ?? 0) <= Math.max(lagMs, truth.lagMs(one.machine)))
        return false;
      if (truth.blamedForMs(one, lagMs) >= unhealthyAfterMs - toleranceMs) return false;
      // Nobody can know of what was started by hand where he has never looked.
      if (slotOf(one) === null && !truth.hasSeen(process, one.machine)) return false;
      return !truth.mayBeLost(process, one.machine, lostAfterMs, lagMs);
    };
    const slots = new Set<string>();
    const own = slotOf(started);
    let rival: TrueContainer | null = null;
    for (const one of truth.containersOf(name)) {
      const slot = slotOf(one);
      // An older generation beside a newer one is superseded, however well it runs.
      if (slot === own && one !== started && isUp(one) && generationOf(one) > generationOf(rival)) rival = one;
      if (counts(one) && slot !== own) slots.add(slot ?? one.id);
    }
    if (rival !== null && counts(rival)) {
      violate(
        "S7",
        `${process.name} started ${started.name} on ${started.machine} while ${rival.name} runs well on ${rival.machine}`,
      );
    }
    const most = truth.wished(name, lagMs).most + (rival === null ? 0 : 1); // the one that is replaced goes later
    if (slots.size + 1 > most) {
      violate(
        "S5",
        `${process.name} started ${started.name} beside ${[...slots].join(", ")} of ${name}: ${slots.size + 1} where ${most} are asked for`,
      );
    }
  };

  /** S6: what it takes away leaves enough that serve, as far as it could know. */
  const mustBeSpare = (process: Process, stopped: TrueContainer, how: string): void => {
    const name = truth.ownerOf(stopped);
    if (name === null) return violate("S10", `${process.name} ${how} ${stopped.name}, which is none of ours`);
    const service = truth.wish(name);
    const lagMs = truth.lagMs(stopped.machine);
    if (service === undefined || !truth.serves(stopped)) return;
    const isReplaced = [...truth.containersOf(name)].some(
      (one) => one !== stopped && slotOf(one) !== null && slotOf(one) === slotOf(stopped) && truth.serves(one),
    );
    // What another serves in place of is free to go.
    if (isReplaced || truth.blamedForMs(stopped, lagMs) >= service.healing.unhealthyAfterMs - toleranceMs) return;
    if (service.surplus.action === "alert") {
      violate(
        "trim",
        `${process.name} ${how} ${stopped.name}, which runs well, though surplus of ${name} is only to be alerted`,
      );
    }
    let left = 0;
    for (const one of truth.containersOf(name)) {
      if (one === stopped) continue;
      if (truth.serves(one) || (one.servingSinceMs !== null && scheduler.nowMs() - one.silentSinceMs <= lagMs))
        left += 1;
    }
    const needed = truth.wished(name, lagMs).fewest - service.healing.maxUnavailable;
    if (left < needed)
      violate("S6", `${process.name} ${how} ${stopped.name}, leaving ${left} of ${needed} needed ones of ${name}`);
  };

  /** What serves is told to end, and given its time, before it is removed. */
  const mustHaveEnded = (process: Process, { name, serving }: TrueContainer): void => {
    if (serving) violate("grace", `${process.name} removes ${name}, which serves`);
  };

  const took = (process: Process, change: EngineChange): void => {
    tell(() => `${sentence(change)} took effect`);
    if (change.kind === "create") {
      mutated(change.creation.labels[LABEL.service] ?? null);
      if (change.creation.template.privileged)
        violate("S28", `${process.name} created ${change.creation.name}, which is privileged`);
      return;
    }
    mutated(truth.ownerOf(change.container));
    if (change.kind === "start") mustBeWanted(process, change.container);
  };

  /** S24: only what carries our mark, or stands for an adopted container of ours. */
  const mustBeOurs = (process: Process, agent: Agent, id: string, how: string): void => {
    const registration = agent.services.get(id)?.registration;
    if (registration !== undefined && registration.meta[META.environment] !== environment) {
      violate("S24", `${process.name} ${how} ${id}, which is somebody else's`);
    }
  };

  /** Clients are sent to what passes: what has just been started does so once its check has run. */
  const mustHaveServed = (process: Process, { id, meta, initialStatus }: NewRegistration): void => {
    const service = meta[META.service] ?? "";
    const { health = null, redis = null } = truth.wish(service) ?? {};
    if (initialStatus !== "passing" || health === null || redis !== null) return;
    for (const one of truth.containersOf(service)) {
      if (one.name !== meta[META.container] || !isUp(one) || one.servingSinceMs !== null) continue;
      const sinceMs = scheduler.nowMs() - (one.startedAtMs ?? 0);
      if (sinceMs < health.startGraceMs)
        violate(
          "unready",
          `${process.name} has clients sent to ${id} ${sinceMs} ms after its start: it never served yet`,
        );
    }
  };

  return {
    violations,
    violate,
    queries: queryRules(scheduler, violate),
    memoryLost() {
      forgottenAtMs = scheduler.nowMs();
      tries.forget();
    },
    wasMemoryLost: () => forgottenAtMs >= 0,
    locksLost: () => void (locksLostAtMs = scheduler.nowMs()),
    orderedRoles(process, service, what) {
      mustLead(process, what, null);
      mutated(service);
    },
    mutationsOf: (service) => mutations.get(service)?.count ?? 0,
    lastMutationAtMs: (service) => mutations.get(service)?.lastAtMs ?? 0,

    sent,
    took,
    taking: (process, change) => {
      if (change.kind !== "stop" && change.kind !== "remove") return;
      if (change.kind === "remove") mustHaveEnded(process, change.container);
      // An old master is ended at once, whatever serves: that it may be is for S2 to say.
      const isFence = change.graceMs === 0 && truth.wish(truth.ownerOf(change.container) ?? "")?.redis != null;
      if (!isFence) mustBeSpare(process, change.container, change.kind);
    },
    unclear(process, change) {
      tell(() => `${process.name} does not know whether ${sentence(change)} happened`);
      deps.countReached("an outcome is unclear");
      if (change.kind !== "create") return;
      const { creation, machine } = change;
      unclear.set(`${creation.labels[LABEL.service]} ${creation.slot}`, {
        name: creation.name,
        machine,
        atMs: scheduler.nowMs(),
      });
    },
    refused: (process, change) => void (change.kind === "create" && tries.refused(process, change.creation)),
    looked(process, machine) {
      let own = looks.get(process);
      if (own === undefined) looks.set(process, (own = new Map()));
      own.set(machine, scheduler.nowMs());
    },

    registered(process, agent, registration) {
      tell(() => `${process.name} registers ${registration.id} on ${agent.node}: ${registration.meta[META.container]}`);
      mustLead(process, `registers ${registration.id}`, null);
      mustBeOurs(process, agent, registration.id, "overwrites");
      mustHaveServed(process, registration);
      mutated(registration.meta[META.service] ?? null);
    },
    deregistered(process, agent, id) {
      tell(() => `${process.name} deregisters ${id} on ${agent.node}`);
      mustBeOurs(process, agent, id, "deregisters");
      mutated(agent.services.get(id)?.registration.meta[META.service] ?? null);
    },
    maintained(process, agent, id, on) {
      tell(() => `${process.name} sets maintenance of ${id} ${on ? "on" : "off"}`);
      mustBeOurs(process, agent, id, "puts into maintenance");
    },
    read: blind.read,

    scaled(process, name, from, to) {
      tell(() => `${process.name} scales Swarm service ${name} from ${from} to ${to}`);
      mustLead(process, `scales ${name}`, null);
      mutated(name);
      const { most, fewest } = truth.wished(name, truth.lagMs(""));
      if (to > most || to < fewest)
        violate("S5", `${process.name} scales ${name} to ${to} where ${fewest} to ${most} are asked for`);
    },
    createdService(process, { name, replicas }) {
      tell(() => `${process.name} creates Swarm service ${name} with ${replicas}`);
      mustLead(process, `creates Swarm service ${name}`, null);
      mutated(name);
    },
    scaledCompose(process, project, service, to) {
      tell(() => `${process.name} scales Compose ${project}/${service} to ${to}`);
      mutated(project);
      const { most, fewest } = truth.wished(project, truth.lagMs(""));
      if (to > most || to < fewest)
        violate("S5", `${process.name} scales ${project} to ${to} where ${fewest} to ${most} are asked for`);
    },

    opened(process, session, ttlMs, lockDelayMs) {
      tell(() => `${process.name} opens session ${session.slice(0, 8)}`);
      // S12: what the last leader has sent to Consul is over before another may lead.
      const { requestTimeoutMs, marginMs } = defaultTerms;
      if (lockDelayMs <= requestTimeoutMs + marginMs)
        violate("S12", `${process.name} asks for a lock-delay of ${lockDelayMs} ms, which a request can outlast`);
      sessions.set(session, { ttlMs, renewedAtMs: scheduler.nowMs() });
    },
    renewed(_process, session, sentAtMs) {
      const known = sessions.get(session);
      if (known !== undefined) known.renewedAtMs = sentAtMs;
    },
    acquired(process, lease) {
      tell(() => `${process.name} leads as ${lease.sessionId.slice(0, 8)}@${lease.lockIndex}`);
      deps.countReached("a leader is elected");
      leases.set(process, lease);
      tries.leading(process);
    },
    remembered: tries.remembered,
  };
}

function slotOf({ labels }: TrueContainer): string | null {
  return labels[LABEL.slot] ?? null;
}

function generationOf(container: TrueContainer | null): number {
  return container === null ? -1 : Number(container.labels[LABEL.generation] ?? 0);
}

function sentence(change: EngineChange): string {
  if (change.kind === "create") return `create ${change.creation.name} on ${change.machine}`;
  return `${change.kind} ${change.container.name} (${change.container.id}) on ${change.machine}`;
}
