import { describe, expect, it } from "vitest";
import { openApply } from "../../src/act/apply.ts";
import type { Action, RemoveInstance, StopInstance } from "../../src/model/action.ts";
import { EngineError } from "../../src/ports/engine.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { aService } from "../builders/service.ts";
import { anInstance } from "../builders/world.ts";
import { aPlanOf } from "./support/plans.ts";
import type { ScriptedHands } from "./support/scripted-hands.ts";
import { scriptedHands } from "./support/scripted-hands.ts";

const stop: StopInstance = {
  kind: "stop-instance",
  service: "web",
  host: "h1",
  containerId: "c1",
  name: "heal.live.web.1.1",
  registration: { id: "heal.live.web.1", node: "h1-node" },
  drainMs: 1_000,
  graceMs: 2_000,
  because: { rule: "remove-superseded", evidence: "it was replaced" },
};
const remove: RemoveInstance = {
  kind: "remove-instance",
  service: "web",
  host: "h1",
  containerId: "c1",
  name: "heal.live.web.1.1",
  registration: { id: "heal.live.web.1", node: "h1-node" },
  because: { rule: "clear-ended", evidence: "it has ended" },
};

const path = [
  "h1-node maintenance heal.live.web.1: heal: remove-superseded",
  "h1 stop c1 within 2000 ms",
  "h1-node deregister heal.live.web.1",
  "h1 remove c1",
];

async function done(hands: ScriptedHands, action: Action, fence = hands.fence()) {
  const results = openApply(hands.tools)(fence, aService("web"), aPlanOf("web", [[action]]));
  await hands.clock.advance(1_000);
  return (await results)[0];
}

describe("stopping an instance", () => {
  it("takes it out of service, waits for routes to drop it, stops, deregisters and removes it", async () => {
    const hands = scriptedHands();
    const results = openApply(hands.tools)(hands.fence(), aService("web"), aPlanOf("web", [[stop]]));
    await hands.clock.advance(999);
    expect(hands.sent).toEqual(path.slice(0, 1));
    await hands.clock.advance(1);
    expect(await results).toMatchObject([{ kind: "done", note: null, tookMs: 1_000 }]);
    expect(hands.sent).toEqual(path);
  });

  it("does not wait where nobody is routed to it", async () => {
    const hands = scriptedHands();
    const fence = hands.fence();
    const [result] = await openApply(hands.tools)(fence, aService("web"), aPlanOf("web", [[{ ...stop, drainMs: 0 }]]));
    expect(result).toMatchObject({ kind: "done", tookMs: 0 });
    expect(hands.sent).toEqual(path);
  });

  it("leaves Consul alone for one that is not registered", async () => {
    const hands = scriptedHands();
    await done(hands, { ...stop, registration: null });
    expect(hands.sent).toEqual([path[1], path[3]]);
  });

  it.each([0, 1, 2, 3])("sends nothing more once the fence has fallen before step %i", async (steps) => {
    const hands = scriptedHands();
    expect(await done(hands, stop, hands.fence(steps))).toMatchObject({ kind: "skipped" });
    expect(hands.sent).toEqual(path.slice(0, steps));
  });

  it.each([
    [1, new EngineError("refused", "cannot kill"), "later"],
    [1, new EngineError("unclear", "no answer"), "look"],
    [2, new RegistryError("unreachable", "connection refused"), "later"],
    [2, new RegistryError("unclear", "no answer"), "look"],
    [3, new EngineError("unclear", "no answer"), "look"],
  ] as const)("goes no further when step %i fails", async (step, error, retry) => {
    const hands = scriptedHands();
    hands.failing(path[step] ?? "", error);
    expect(await done(hands, stop)).toMatchObject({ kind: "failed", message: error.message, retry });
    expect(hands.sent).toEqual(path.slice(0, step + 1));
  });

  it("keeps serving clients when it cannot be taken out of service", async () => {
    const hands = scriptedHands();
    hands.failing(path[0] ?? "", new RegistryError("unreachable", "connection refused"));
    expect(await done(hands, stop)).toMatchObject({ kind: "failed" });
    expect(hands.sent).toEqual(path.slice(0, 1));
  });

  it("stops one that nobody is routed to although its agent is away", async () => {
    const hands = scriptedHands();
    hands.failing(path[0] ?? "", new RegistryError("unreachable", "connection refused"));
    await done(hands, { ...stop, drainMs: 0 });
    expect(hands.sent).toEqual(path);
  });

  it.each([0, 2])("takes a registration that its agent does not know for taken back (step %i)", async (step) => {
    const hands = scriptedHands();
    hands.failing(path[step] ?? "", new RegistryError("refused", "unknown service"));
    expect(await done(hands, stop)).toMatchObject({ kind: "done" });
    expect(hands.sent).toEqual(path);
  });
});

describe("clearing away what has ended", () => {
  it("keeps its last words", async () => {
    const hands = scriptedHands();
    expect(await done(hands, remove)).toMatchObject({ kind: "done", note: "last output: out of memory" });
    expect(hands.sent).toEqual([
      "h1 last 5 lines of c1",
      "h1 inspect c1",
      "h1-node deregister heal.live.web.1",
      "h1 inspect c1",
      "h1 remove c1",
    ]);
  });

  it("leaves alone what its engine has started again meanwhile", async () => {
    const hands = scriptedHands();
    const { container } = anInstance(aService("web"), 1, 0, { state: "running" });
    hands.there.set("c1", { ...container, id: "c1" });
    expect(await done(hands, remove)).toMatchObject({ kind: "failed", retry: "look" });
    expect(hands.sent).toEqual(["h1 last 5 lines of c1", "h1 inspect c1"]);
  });

  it("leaves it alone also when that happens while its agent is told", async () => {
    const hands = scriptedHands();
    const { container } = anInstance(aService("web"), 1, 0, { state: "running" });
    const letGo = hands.holding("h1-node deregister heal.live.web.1");
    const result = done(hands, remove);
    await hands.clock.advance(1);
    hands.there.set("c1", { ...container, id: "c1" });
    letGo();
    expect(await result).toMatchObject({ kind: "failed", retry: "look" });
    expect(hands.sent).not.toContain("h1 remove c1");
  });

  it("goes on without them when the engine has none", async () => {
    const hands = scriptedHands();
    hands.failing(
      "h1 last 5 lines of c1",
      new EngineError("refused", "configured logging driver does not support reading"),
    );
    expect(await done(hands, remove)).toMatchObject({ kind: "done", note: null });
    expect(hands.sent.at(-1)).toBe("h1 remove c1");
  });

  it.each([0, 1])("changes nothing more once the fence has fallen before change %i", async (changes) => {
    const hands = scriptedHands();
    expect(await done(hands, remove, hands.fence(changes))).toMatchObject({ kind: "skipped" });
    const changed = hands.sent.filter((line) => !/inspect|last/.test(line));
    expect(changed).toEqual(["h1-node deregister heal.live.web.1", "h1 remove c1"].slice(0, changes));
  });
});
