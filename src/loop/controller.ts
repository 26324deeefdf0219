import { closest } from "../model/closest.ts";
import type { Memory, ServiceMemory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Plan } from "../model/plan.ts";
import type { ControllerReport, PassReport, PlanReport, ServiceReport, WhyReport } from "../model/report.ts";
import { REPORT_VERSION } from "../model/report.ts";
import { worstStatus } from "../model/status.ts";
import type { Controller } from "../ports/controller.ts";
import { ControllerError, NotLeader, PlanChanged, UnknownService } from "../ports/controller.ts";
import { withoutFailures } from "../plan/back-off.ts";
import type { Board } from "../report/board.ts";
import { planHash } from "../report/plan-hash.ts";
import type { Alerting } from "./alerting.ts";
import type { Pass, World } from "./reconcile.ts";
import { decide } from "./reconcile.ts";
import { openRedisControl } from "./redis-control.ts";

export interface ControllerParts {
  readonly world: World;
  readonly board: Board;
  readonly controller: () => ControllerReport;
  /** One pass that acts. Rejects with what `agreed` throws, or with `NotLeader`. */
  readonly run: (services: readonly string[], agreed: (plan: Plan) => void) => Promise<Pass>;
  /** Runs `work` while no pass is under way for these services: what one writes to Memory the other would overwrite. */
  readonly exclusive: <T>(services: readonly string[], work: () => Promise<T>) => Promise<T>;
  /** Makes sure that this process may write Memory; rejects with `NotLeader`. */
  readonly takeOffice: () => Promise<void>;
  /** Whether the board is kept up to date by passes of its own; otherwise every question is a look. */
  readonly live: boolean;
  /** Forgets what was seen before an action, where no events tell what it has changed. */
  readonly lookAnew: () => Promise<void>;
  readonly alerting: Alerting;
  readonly troubles: () => readonly string[];
  readonly nudge: (services: readonly string[]) => void;
  /** Takes the desired state of that hash into force although it asks for suspiciously little. */
  readonly confirm: (hash: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Answers what a person or a script asks, from the board of a daemon or by looking. */
export function openController(parts: ControllerParts): Controller {
  const { world, board } = parts;
  const { clock } = world;
  const environment = (): string => world.desired().environment;
  const iso = (steadyMs: number): string => new Date(clock.wallMs() + steadyMs - clock.steadyMs()).toISOString();
  const named = (services: readonly string[]): readonly string[] => {
    const known = Object.keys(world.desired().services);
    for (const name of services) if (!known.includes(name)) throw new UnknownService(name, closest(name, known));
    return services.length === 0 ? known : services;
  };
  const look = async (services: readonly string[]): Promise<void> => {
    const missing = parts.live ? services.filter((name) => board.service(name, iso) === null) : services;
    if (missing.length > 0) await decide(world, missing);
  };
  const edit = async (service: string, change: (memory: ServiceMemory) => ServiceMemory): Promise<void> => {
    await parts.takeOffice();
    await parts.exclusive([service], async () => {
      const before = world.memory.view().services[service] ?? noServiceMemory;
      const refused = await world.memory.commit(world.fence(), { services: { [service]: change(before) } });
      if (refused !== null) throw new NotLeader(refused);
    });
    parts.nudge([service]);
  };
  const hush = async (change: () => Promise<string | null>): Promise<void> => {
    await parts.takeOffice();
    const refused = await change();
    if (refused !== null) throw new NotLeader(refused);
  };

  return {
    services: async () => Object.keys(world.desired().services),
    async planNow(services) {
      return planReport(environment(), (await decide(world, named(services))).plan, clock.steadyMs());
    },
    async pass(services, expect) {
      const names = named(services);
      const pass = await parts.run(names, (plan) => {
        const actual = planHash(plan);
        if (expect !== null && expect !== actual) throw new PlanChanged(expect, actual);
      });
      if (pass.results.length > 0) await parts.lookAnew();
      const after = pass.results.length === 0 ? pass : await decide(world, names);
      const standings = Object.values(after.plan.services).map(({ standing }) => standing);
      return {
        ...planReport(environment(), pass.plan, clock.steadyMs()),
        status: worstStatus(standings.map(({ status }) => status)),
        results: pass.results,
        after: standings,
      } satisfies PassReport;
    },
    async status(services) {
      const names = named(services);
      await look(names);
      const reports = names.flatMap((name): readonly ServiceReport[] => {
        const report = board.service(name, iso);
        return report === null ? [] : [report];
      });
      return {
        version: REPORT_VERSION,
        environment: environment(),
        status: worstStatus(reports.map(({ standing }) => standing.status)),
        at: iso(clock.steadyMs()),
        controller: parts.controller(),
        hosts: Object.values(board.hosts()),
        services: reports,
        troubles: parts.troubles(),
      };
    },
    async why(service) {
      await look(named([service]));
      const report: WhyReport | null = board.why(service, iso);
      if (report === null) throw new Error(`${service} was looked at and is not on the board`);
      return { ...report, atMs: clock.steadyMs() };
    },
    nudge: async (services) => parts.nudge(named(services)),
    async confirm(hash) {
      await parts.confirm(hash);
      const [trouble] = parts.troubles();
      if (trouble !== undefined) throw new ControllerError("refused", trouble);
    },
    async pause(service, { forMs, why }) {
      named([service]);
      const nowMs = clock.steadyMs();
      await edit(service, (memory) => ({
        ...memory,
        pause: { sinceMs: nowMs, untilMs: forMs === null ? null : nowMs + forMs, why },
      }));
      board.record(service, note(iso(nowMs), "pause", why));
    },
    async resume(service) {
      named([service]);
      await edit(service, (memory) => ({ ...memory, pause: null, backOff: null, slots: withoutBackOff(memory.slots) }));
      board.record(service, note(iso(clock.steadyMs()), "resume", ""));
    },
    redis: openRedisControl(parts),
    alerts: {
      list: async () => parts.alerting.list(),
      test: (channel) => parts.alerting.test(channel),
      silence: (subject, { forMs, why, by }) => hush(() => parts.alerting.silence({ subject, forMs, why, by })),
      endSilence: (subject) => hush(() => parts.alerting.endSilence(subject)),
    },
    close: parts.close,
  };
}

function planReport(environment: string, plan: Plan, atMs: number): PlanReport {
  const services = Object.values(plan.services);
  return {
    version: REPORT_VERSION,
    environment,
    atMs,
    hash: planHash(plan),
    status: worstStatus(services.map(({ standing }) => standing.status)),
    services,
  };
}

/** A person says that the cause is gone: every slot may be tried at once. */
function withoutBackOff(slots: Memory["services"][string]["slots"]): ServiceMemory["slots"] {
  return Object.fromEntries(Object.entries(slots).map(([number, slot]) => [number, withoutFailures(slot)]));
}

function note(at: string, what: string, why: string) {
  return { at, kind: "person", what, why, outcome: "noted", detail: null } as const;
}
