import { describe, expect, it } from "vitest";
import { known, unknown } from "../../../src/model/known.ts";
import type { Container, Instance } from "../../../src/model/instance.ts";
import { noFleetMemory } from "../../../src/model/memory.ts";
import type { HostObservation, Observation } from "../../../src/model/observation.ts";
import type { Plan } from "../../../src/model/plan.ts";
import { openSeen } from "../../../src/report/alerts/facts.ts";
import { aDesiredState, aService } from "../../builders/service.ts";
import { hostFacts } from "./builders.ts";
import { aStanding } from "../../builders/standing.ts";
import { anInstance, T0 } from "../../builders/world.ts";

const instance = (host: string, name: string, changes: Partial<Container> = {}, current = true): Instance => ({
  ...anInstance(aService("web"), 1, T0, { on: host, consul: "unlisted", container: { id: name, name, ...changes } }),
  current,
});

const up = (name: string): HostObservation => hostFacts(name).observation;
const down = (name: string): HostObservation => ({ ...up(name), engine: unknown("gone"), silentSinceMs: 5 });

function decision(
  hosts: readonly HostObservation[],
  services: Readonly<Record<string, readonly Instance[]>>,
): { observed: Observation; plan: Plan } {
  const observed = Object.entries(services).map(([service, instances]) => [
    service,
    {
      service,
      binding: known({ kind: "engine" as const }, 0),
      instances,
      silentHosts: {},
      registry: unknown("not asked"),
      consistency: "default" as const,
      freshRuntime: true,
      agreeingReads: 1,
      registrationsBefore: null,
    },
  ]);
  const plans = Object.keys(services).map((service) => [
    service,
    { service, waves: [], holds: [], standing: aStanding(service), needsLook: null, lookAgainAtMs: null },
  ]);
  return {
    observed: {
      atMs: 0,
      hosts: Object.fromEntries(hosts.map((host) => [host.name, host])),
      services: Object.fromEntries(observed),
      fleet: { instances: 0, runningButCritical: 0, servicesCritical: 0 },
    },
    plan: { version: 1, services: Object.fromEntries(plans) },
  };
}

const about = {
  desired: aDesiredState([aService("web"), aService("api")]),
  memory: { fleet: noFleetMemory, services: {} },
  nowMs: 9,
  commandSuffix: "",
  desiredState: null,
  leadership: { kind: "led" as const },
  setAside: [],
};

describe("facts", () => {
  it("lay one pass over the other, since each looks at some services only", () => {
    const seen = openSeen();
    seen.decided(decision([up("h1")], { web: [instance("h1", "w1")] }));
    expect(seen.facts(about).services["api"]?.standing).toBeNull();
    seen.decided(decision([up("h1")], { api: [] }));
    expect(seen.facts(about).services).toMatchObject({
      web: { standing: { service: "web" } },
      api: { standing: { service: "api" } },
    });
  });

  it("know what a dead host carried, although it has been replaced elsewhere meanwhile", () => {
    const seen = openSeen();
    seen.decided(decision([up("h1"), up("h2")], { web: [instance("h1", "w1"), instance("h2", "w2")] }));
    seen.decided(decision([up("h1"), down("h2")], { web: [instance("h1", "w1"), instance("h2", "w2", {}, false)] }));
    seen.decided(decision([up("h1"), down("h2")], { web: [instance("h1", "w1"), instance("h1", "w3")] }));
    expect(seen.facts(about).hosts["h2"]?.carried).toEqual([{ service: "web", instances: 1 }]);
  });

  it("know it from what is remembered, when the host was dead before this process began", () => {
    const seen = openSeen();
    seen.decided(decision([down("h2")], { web: [instance("h2", "w2", {}, false), instance("h2", "w4", {}, false)] }));
    expect(seen.facts(about).hosts["h2"]?.carried).toEqual([{ service: "web", instances: 2 }]);
  });

  it("forget what a living host does not run any more, and hosts that are not in the settings any more", () => {
    const seen = openSeen();
    seen.decided(decision([up("h1"), up("h2")], { web: [instance("h1", "w1")] }));
    seen.decided(decision([up("h1")], { web: [instance("h1", "w1", { state: "exited" })] }));
    expect(seen.facts(about).hosts).toEqual({ h1: { observation: up("h1"), carried: [] } });
  });

  it("keep the last results of a service until it is acted on again", () => {
    const result = { kind: "skipped" as const, action: {} as never, reason: "x" };
    const seen = openSeen();
    seen.acted("web", [result], 3);
    seen.acted("web", [], 4);
    expect(seen.facts(about).services["web"]?.acted).toEqual({ results: [result], atMs: 3 });
    expect(seen.facts(about).services["api"]?.acted).toBeNull();
  });

  it("leave out services that are not desired any more", () => {
    const seen = openSeen();
    seen.decided(decision([up("h1")], { old: [instance("h1", "o1")] }));
    expect(Object.keys(seen.facts(about).services)).toEqual(["web", "api"]);
    expect(seen.facts(about).hosts["h1"]?.carried).toEqual([]);
  });

  it("are the same object for a service of which nothing has changed", () => {
    const seen = openSeen();
    seen.decided(decision([up("h1")], { web: [], api: [] }));
    const before = seen.facts(about).services;
    seen.decided(decision([up("h1")], { web: [] }));
    const after = seen.facts(about).services;
    expect(after["api"]).toBe(before["api"]);
    expect(after["web"]).not.toBe(before["web"]);
  });
});
