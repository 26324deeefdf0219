import type { Controller } from "../../../src/ports/controller.ts";
import { UnknownService } from "../../../src/ports/controller.ts";
import { closest } from "../../../src/model/closest.ts";
import { aPassReport, aPlanReport, aServicePlan, aServiceReport, aStatusReport, aWhyReport } from "./reports.ts";
import { aStanding } from "../../builders/standing.ts";

export type Call = readonly [keyof Controller, ...unknown[]];

export interface FakeController extends Controller {
  /** What it was asked, in order, but for `services` and `close`. */
  readonly calls: Call[];
  readonly closed: () => number;
}

/** Desires `web` and `api`, which both pass, and remembers what it is asked. Unknown services are refused, as by the real one. */
export function fakeController(part: Partial<Controller> = {}): FakeController {
  const calls: Call[] = [];
  const desired = ["web", "api"];
  let closed = 0;
  const chosen = (services: readonly string[]): readonly string[] => {
    for (const name of services) if (!desired.includes(name)) throw new UnknownService(name, closest(name, desired));
    return services.length === 0 ? desired : services;
  };
  const answers: Controller = {
    services: async () => desired,
    planNow: async (services) => aPlanReport(chosen(services).map((name) => aServicePlan(aStanding(name)))),
    pass: async (services) => {
      const plans = chosen(services).map((name) => aServicePlan(aStanding(name)));
      return aPassReport(
        plans,
        [],
        plans.map(({ standing }) => standing),
      );
    },
    status: async (services) => aStatusReport(chosen(services).map((name) => aServiceReport(aStanding(name)))),
    why: async (service) => aWhyReport(aStanding(chosen([service])[0] ?? "")),
    nudge: async () => undefined,
    pause: async (service) => void chosen([service]),
    resume: async (service) => void chosen([service]),
    confirm: async () => undefined,
    alerts: {
      list: async () => ({ version: 1, environment: "live", channels: ["ops-mail"], alerts: [], silences: [] }),
      test: async (channel) => ({
        version: 1,
        environment: "live",
        channel,
        taken: channel === "ops-mail",
        reason: channel === "ops-mail" ? null : "refused",
      }),
      silence: async () => undefined,
      endSilence: async () => undefined,
    },
    close: async () => undefined,
    ...part,
  };
  const noted = <K extends keyof Controller>(name: K): Controller[K] =>
    ((...given: unknown[]) => {
      calls.push([name, ...given]);
      return (answers[name] as (...given: unknown[]) => unknown)(...given);
    }) as Controller[K];
  return {
    services: answers.services,
    planNow: noted("planNow"),
    pass: noted("pass"),
    status: noted("status"),
    why: noted("why"),
    nudge: noted("nudge"),
    pause: noted("pause"),
    resume: noted("resume"),
    confirm: noted("confirm"),
    alerts: answers.alerts,
    async close() {
      closed += 1;
      await answers.close();
    },
    calls,
    closed: () => closed,
  };
}
