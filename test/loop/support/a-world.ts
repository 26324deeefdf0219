import { Fenced } from "../../../src/act/hands.ts";
import type { Fence } from "../../../src/loop/fence.ts";
import type { MemoryUpdate } from "../../../src/loop/memory-content.ts";
import type { Decision, World } from "../../../src/loop/reconcile.ts";
import { openTurn } from "../../../src/loop/turn.ts";
import type { Action, ActionResult } from "../../../src/model/action.ts";
import type { Container, Registration } from "../../../src/model/instance.ts";
import type { Memory } from "../../../src/model/memory.ts";
import { noFleetMemory } from "../../../src/model/memory.ts";
import type { Service } from "../../../src/model/service.ts";
import { defaultTuning } from "../../../src/model/tuning.ts";
import { openNews } from "../../../src/loop/news.ts";
import { aDesiredState } from "../../builders/service.ts";
import type { InstanceFacts } from "../../builders/world.ts";
import { anInstance, T0 } from "../../builders/world.ts";
import { aHostMirror, eyesOn, scriptedRegistry } from "../../observe/support/stubs.ts";
import { say } from "../../plan/support/say.ts";
import { fakeClock } from "./fake-clock.ts";

/** A world of two hosts and these services, in which everything that is done is noted in order. */
export function aWorldOf(...services: readonly Service[]) {
  const clock = fakeClock(T0);
  const consul = scriptedRegistry();
  const there: Container[] = [];
  const noted: string[] = [];
  const decisions: Decision[] = [];
  const outcomes = new Map<string, (action: Action) => ActionResult>();
  const slow = new Map<string, Promise<void>>();
  let memory: Memory = { fleet: noFleetMemory, services: {} };
  let refusal: string | null = null;
  let mayAct = true;

  const hosts = ["h1", "h2"].map((host) => {
    const mirror = aHostMirror(host, []);
    return {
      ...mirror,
      containers: (key: string) => there.filter((one) => one.host === host && key === `service ${one.service}`),
    };
  });
  const fence: Fence = {
    lease: { sessionId: "session", lockIndex: 7 },
    mayAct: () => mayAct,
    assertMayAct() {
      if (!mayAct) throw new Fenced("not acting any more");
      return "session@7";
    },
  };
  const world: World = {
    desired: () => aDesiredState(services, "live"),
    eyes: eyesOn(clock, hosts, consul.registry),
    memory: {
      view: () => memory,
      async commit(_fence: Fence, update: MemoryUpdate) {
        noted.push(
          `write ${[...Object.keys(update.services ?? {}), ...(update.fleet === undefined ? [] : ["fleet"])].join(" ")}`,
        );
        await clock.settle();
        if (refusal !== null) return refusal;
        const changed = Object.entries(update.services ?? {}).flatMap(([name, one]) =>
          one === null ? [] : [[name, one]],
        );
        memory = {
          fleet: update.fleet ?? memory.fleet,
          services: { ...memory.services, ...(Object.fromEntries(changed) as Memory["services"]) },
        };
        return null;
      },
      holds: ({ fleet, services = {} }) => fleet === undefined && Object.keys(services).length === 0,
    },
    fence: () => fence,
    async apply({ fence: assertMayAct, writtenDown }, service, plan) {
      const results: ActionResult[] = [];
      const refused = await writtenDown().then(
        () => null,
        (error: unknown) => (error as Fenced).message,
      );
      if (refused !== null) return plan.waves.flat().map((action) => ({ kind: "skipped", action, reason: refused }));
      for (const action of plan.waves.flat()) {
        noted.push(say(action));
        await slow.get(service.name);
        const outcome = outcomes.get(service.name);
        assertMayAct();
        results.push(outcome?.(action) ?? { kind: "done", action, tookMs: 1, note: null });
      }
      return results;
    },
    news: openNews(),
    fleetTurn: openTurn(),
    report: {
      decided: (decision) => void decisions.push(decision),
      acted: ({ service }, results) =>
        void noted.push(`told of ${service}: ${results.map(({ kind }) => kind).join(" ") || "nothing"}`),
    },
    tuning: defaultTuning,
    clock,
  };
  const runs = (service: Service, slot: number | null, facts: InstanceFacts = {}): void => {
    const { container, registration } = anInstance(service, slot, T0, facts);
    there.push(container);
    const listed: readonly Registration[] = registration === null ? [] : [registration];
    const name = service.consul?.name ?? service.name;
    consul.services.set(name, [...(consul.services.get(name) ?? []), ...listed]);
  };
  return {
    world,
    clock,
    noted,
    decisions,
    consul,
    runs,
    memory: () => memory,
    remember: (changes: Partial<Memory>) => {
      memory = { ...memory, ...changes };
    },
    refuse: (reason: string | null) => {
      refusal = reason;
    },
    fall: () => {
      mayAct = false;
    },
    comesTo: (service: string, outcome: (action: Action) => ActionResult) => void outcomes.set(service, outcome),
    holdUp(service: string): () => void {
      let letGo = (): void => undefined;
      slow.set(service, new Promise((resolve) => (letGo = resolve)));
      return letGo;
    },
  };
}
