import * as fc from "fast-check";
import { expect } from "vitest";
import { GroupModel } from "./group-model.ts";
import { property } from "../../support/property.ts";

const COUNT = 3;
const slot = fc.integer({ min: 1, max: COUNT });

type Event =
  | { readonly kind: "pass" }
  | { readonly kind: "crash"; readonly after: number }
  | { readonly kind: "kill" | "restart-empty"; readonly slot: number }
  | { readonly kind: "write" | "rest" };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: "pass" } as const) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("crash" as const), after: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("kill", "restart-empty"), slot }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("write", "rest") }) },
);

function apply(group: GroupModel, one: Event): void {
  switch (one.kind) {
    case "pass":
      group.pass();
      return;
    case "crash":
      group.pass(one.after);
      return;
    case "kill":
      group.kill(one.slot);
      return;
    case "restart-empty":
      group.restartEmpty(one.slot);
      return;
    case "write":
      group.write();
      return;
    case "rest":
      group.rest();
  }
}

/** Until nothing changes any more. */
function settle(group: GroupModel): ReturnType<GroupModel["pass"]> {
  let decision = group.pass();
  let quiet = 0;
  for (let round = 0; round < 40 && quiet < 3; round += 1) {
    decision = group.pass();
    group.rest();
    quiet = decision.actions.length === 0 ? quiet + 1 : 0;
  }
  return decision;
}

property([fc.array(event, { maxLength: 40 })], { numRuns: 200 })(
  "whatever dies and wherever heal dies with it, there are never two masters, no empty one serves beside data, and in the end there is one or a person is told",
  (events) => {
    const group = new GroupModel(COUNT);
    for (const one of events) apply(group, one);
    const decision = settle(group);
    const masters = group.masters();
    if (masters.length === 0) {
      expect(decision.standing.writable).toBe(false);
      expect(decision.holds.length).toBeGreaterThan(0);
      return;
    }
    expect(masters[0]).toMatchObject({ alive: true, follows: null });
    expect(decision.actions, "nothing is left to do").toEqual([]);
    const others = group.processes.filter((one) => one !== masters[0]);
    for (const other of others) expect(other).toMatchObject({ alive: true, follows: masters[0]?.slot, linked: true });
    expect(group.tags.filter((tags) => tags.includes("slave"))).toHaveLength(COUNT - 1);
  },
);

property([fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 8 }), slot], { numRuns: 100 })(
  "no acknowledged write is lost when one node at a time ends and heal dies at any step of any failover",
  (crashes, first) => {
    const group = new GroupModel(COUNT);
    settle(group);
    let victim = first;
    for (const after of crashes) {
      group.write();
      const before = group.acknowledged;
      group.kill(victim);
      group.pass(after);
      settle(group);
      expect(group.masters()).toHaveLength(1);
      expect(group.masters()[0]?.data).toBe(before);
      victim = group.masters()[0]?.slot ?? 1;
    }
  },
);
