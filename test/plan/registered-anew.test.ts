import { expect, it } from "vitest";
import type { ActionResult } from "../../src/model/action.ts";
import { noServiceMemory } from "../../src/model/memory.ts";
import { defaultTuning } from "../../src/model/tuning.ts";
import { learn } from "../../src/plan/learn.ts";

it("gives an instance that was registered anew its time to pass: its check has not run yet", () => {
  const memory = { ...noServiceMemory, notPassingSinceMs: { c1: 1_000, c2: 2_000 } };
  const because = { rule: "register-unlisted", evidence: "" };
  const action = {
    kind: "register-instance",
    service: "web",
    host: "h1",
    containerId: "c1",
    name: "n",
    slot: 1,
    because,
  };
  const results = [{ kind: "done", action, tookMs: 5, note: null }] as readonly ActionResult[];
  expect(learn(memory, results, defaultTuning, 60_000).notPassingSinceMs).toEqual({ c2: 2_000 });
});
