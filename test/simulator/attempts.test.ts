import { expect, it } from "vitest";
import { LABEL } from "../../src/model/labels.ts";
import { attempts } from "./attempts.ts";
import { dice } from "./random.ts";
import { startProcess } from "./process.ts";
import { scheduler } from "./scheduler.ts";
import type { Truth } from "./truth.ts";
import type { TrueContainer } from "./container.ts";

/** A slot of which the engine refuses to create anything, at these times; gives the violations. */
function violationsOfRefusals(createdAtMs: readonly number[], written: readonly ("intended" | "learnt")[]) {
  const time = scheduler();
  const violations: string[] = [];
  const truth = { wished: () => ({ most: 2, fewest: 2 }) } as unknown as Truth;
  const checked = attempts({ scheduler: time, truth, violate: (invariant) => void violations.push(invariant) });
  const process = startProcess(time, dice(1), "heal-1", "h1");
  const creation = { name: "heal.live.web.2.1", labels: { [LABEL.service]: "web", [LABEL.slot]: "2" } };
  for (const atMs of createdAtMs) {
    time.run(atMs);
    checked.creating(process, creation);
    if (written.includes("intended")) checked.remembered(process, ["memory/services/web"]);
    time.run(atMs + 100);
    checked.refused(process, creation);
    if (written.includes("learnt")) checked.remembered(process, ["memory/services/web"]);
  }
  return violations;
}

/** A slot of `web` whose instances all end at once; gives the violations of starts at these times. */
function violationsOf(startsAtMs: readonly number[], fewestAsked: number): readonly string[] {
  const time = scheduler();
  const violations: string[] = [];
  const ended: TrueContainer[] = [];
  const truth = {
    containersOf: () => ended,
    wish: () => undefined,
    wished: () => ({ most: 2, fewest: fewestAsked }),
    mayBeLost: () => false,
    lagMs: () => 0,
  } as unknown as Truth;
  const checked = attempts({ scheduler: time, truth, violate: (invariant) => void violations.push(invariant) });
  const process = startProcess(time, dice(1), "heal-1", "h1");
  startsAtMs.forEach((atMs, index) => {
    time.run(atMs);
    const labels = { [LABEL.service]: "web", [LABEL.slot]: "2", [LABEL.specHash]: "abc" };
    const name = `heal.live.web.2.${index + 1}`;
    checked.starting(process, { name, labels });
    ended.push({
      name,
      labels,
      machine: "h1",
      serving: false,
      servingSinceMs: null,
      exitCode: 1,
    } as Partial<TrueContainer> as TrueContainer);
  });
  return violations;
}

it("finds a back-off that is not waited for", () => {
  expect(violationsOf([1_000, 2_000, 12_000, 22_000], 2)).toEqual(["S20"]);
});

it("expects none of a slot that was not asked for meanwhile: it is forgotten", () => {
  expect(violationsOf([1_000, 2_000, 12_000, 22_000], 1)).toEqual([]);
});

it("finds a refused creation that is repeated too soon", () => {
  expect(violationsOfRefusals([1_000, 12_000], ["intended", "learnt"])).toEqual([]);
  expect(violationsOfRefusals([1_000, 2_500], ["intended", "learnt"])).toEqual(["S20"]);
});

it("expects nobody to keep a distance that could not be written down", () => {
  expect(violationsOfRefusals([1_000, 2_500], ["learnt"])).toEqual([]);
  expect(violationsOfRefusals([1_000, 2_500], ["intended"])).toEqual([]);
});
