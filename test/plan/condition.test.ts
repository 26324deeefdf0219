import { describe, expect, it } from "vitest";
import { defaultTuning } from "../../src/model/tuning.ts";
import type { Circumstances } from "../../src/plan/condition.ts";
import { conditionOf, graceOf, isWithinGrace } from "../../src/plan/condition.ts";
import { aService } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import type { InstanceFacts } from "../builders/world.ts";
import { anInstance, T0 } from "../builders/world.ts";

const web = aService("web");
const plain: Circumstances = {
  judgedByConsul: true,
  graceMs: 30_000,
  notPassingSinceMs: null,
  stopping: false,
  nowMs: T0,
};
const young = { forMs: 1_000 };

function condition(facts: InstanceFacts, circumstances: Partial<Circumstances> = {}): string {
  return conditionOf(web, anInstance(web, 1, T0, facts), { ...plain, ...circumstances });
}

describe("the condition of an instance judged by Consul", () => {
  it.each([
    ["runs and passes", {}, "healthy"],
    ["runs with a warning", { registration: { status: "warning" } }, "healthy"],
    ["is critical within its grace", { ...young, consul: "critical" }, "starting"],
    ["is critical past its grace", { consul: "critical" }, "unhealthy"],
    ["is not listed within its grace", { ...young, consul: "unlisted" }, "unregistered"],
    ["is not listed past its grace", { consul: "unlisted" }, "unregistered"],
    ["is listed with another port", { registration: { port: 1 } }, "unregistered"],
    ["is on a node that is critical", { consul: "node-critical" }, "unhealthy"],
    ["was put in maintenance by a person", { consul: "maintenance" }, "unhealthy"],
    ["was left in maintenance by heal", { consul: "own-maintenance" }, "unregistered"],
    ["is still starting by Docker's check", { ...young, health: "starting" }, "starting"],
    ["is starting by Docker's check for too long", { health: "starting" }, "unhealthy"],
    ["passes in Consul and fails Docker's check", { health: "unhealthy" }, "unhealthy"],
    ["fails Docker's check within its grace", { ...young, health: "unhealthy" }, "starting"],
    ["passes Docker's check and is critical", { health: "healthy", consul: "critical" }, "unhealthy"],
    ["is paused", { ...young, state: "paused" }, "unhealthy"],
    ["is being restarted by Docker", { ...young, state: "restarting", consul: "passing" }, "starting"],
    ["is restarted by Docker again and again", { state: "restarting", consul: "passing" }, "unhealthy"],
    ["was created and never started", { state: "created" }, "incomplete"],
    ["has ended, and Consul has not noticed", { state: "exited", consul: "passing" }, "ended"],
    ["is dead", { state: "dead" }, "ended"],
    ["is being removed", { state: "removing" }, "ended"],
  ] satisfies readonly [string, InstanceFacts, string][])("that %s", (_name, facts, expected) => {
    expect(condition(facts)).toBe(expected);
  });

  it("is unknown when its host does not answer, whatever was seen last", () => {
    const instance = anInstance(web, 1, T0, { state: "exited" });
    expect(conditionOf(web, { ...instance, current: false }, plain)).toBe("unknown");
  });

  it("is leaving from the moment its stop was written down until it has ended", () => {
    expect(condition({}, { stopping: true })).toBe("leaving");
    expect(condition({ state: "paused" }, { stopping: true })).toBe("leaving");
    expect(condition({ state: "exited" }, { stopping: true })).toBe("ended");
  });
});

describe("the condition of an instance judged by Docker", () => {
  it.each([
    ["has no check", { consul: "unlisted" }, "healthy"],
    ["passes its check", { consul: "unlisted", health: "healthy" }, "healthy"],
    ["fails its check", { consul: "unlisted", health: "unhealthy" }, "unhealthy"],
    ["starts", { ...young, consul: "unlisted", health: "starting" }, "starting"],
  ] satisfies readonly [string, InstanceFacts, string][])("that %s", (_name, facts, expected) => {
    expect(condition(facts, { judgedByConsul: false })).toBe(expected);
  });
});

describe("an instance that nobody checks and that its engine restarts", () => {
  const unchecked = aService("web", { health: null, consul: null });
  const after = (ranMs: number, sinceMs: number | null, facts: InstanceFacts = {}, service = unchecked): string => {
    const container = { restartsItself: true, ...facts.container };
    const instance = anInstance(service, 1, T0, { forMs: ranMs, ...facts, container });
    const notPassingSinceMs = sinceMs === null ? null : T0 - sinceMs;
    return conditionOf(service, instance, { ...plain, judgedByConsul: service.consul !== null, notPassingSinceMs });
  };

  it("is healthy as soon as it runs for the first time", () => {
    expect(after(100, null)).toBe("healthy");
  });

  it("counts again after a crash when it has run for its grace", () => {
    expect(after(1_000, 1_200)).toBe("starting");
    expect(after(29_999, 59_999)).toBe("starting");
    expect(after(30_000, 60_500)).toBe("healthy");
  });

  it("is unhealthy when it goes on crashing", () => {
    expect(after(1_000, 60_000)).toBe("unhealthy");
    expect(after(1_000, 30_000, { state: "restarting" })).toBe("unhealthy");
  });

  it("is no other when heal has registered it without a check", () => {
    const registered = aService("web", { health: null });
    expect(after(1_000, 1_200, { consul: "passing" }, registered)).toBe("starting");
    expect(after(30_000, 31_000, { consul: "passing" }, registered)).toBe("healthy");
  });

  it("is healthy at once when somebody checks it, or when its engine does not restart it", () => {
    expect(after(1_000, 1_200, { health: "healthy" })).toBe("healthy");
    expect(after(1_000, 1_200, { consul: "passing" }, web)).toBe("healthy");
    expect(after(1_000, 1_200, { container: { restartsItself: false } })).toBe("healthy");
  });
});

describe("the grace of an instance", () => {
  const within = (forMs: number, notPassingForMs: number | null): boolean =>
    isWithinGrace(anInstance(web, 1, T0, { forMs }).container, {
      graceMs: 30_000,
      notPassingSinceMs: notPassingForMs === null ? null : T0 - notPassingForMs,
      nowMs: T0,
    });

  it("begins when the engine starts it", () => {
    expect(within(29_999, null)).toBe(true);
    expect(within(30_000, null)).toBe(false);
  });

  it("is not prolonged by an engine's clock that is ahead", () => {
    expect(within(-3_600_000, 29_999)).toBe(true);
    expect(within(-3_600_000, 30_000)).toBe(false);
  });

  it("is not given anew to one that has passed before", () => {
    expect(within(3_600_000, 0)).toBe(false);
  });

  it("is what the service says, else Docker's start period with the usual one, else the usual one", () => {
    const docker = { command: ["true"], intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 5_000 };
    const withDocker = aService("web", { health: null, container: aTemplate("web:1", { healthcheck: docker }) });
    expect(graceOf(web, { ...defaultTuning, startGraceMs: 7 })).toBe(30_000);
    expect(graceOf(withDocker, { ...defaultTuning, startGraceMs: 7 })).toBe(5_007);
    expect(graceOf(aService("web", { health: null }), { ...defaultTuning, startGraceMs: 7 })).toBe(7);
  });
});
