import { describe, expect, it } from "vitest";
import { decide, idlePass, reconcile } from "../../src/loop/reconcile.ts";
import { noServiceMemory } from "../../src/model/memory.ts";
import { openRegistryMirror } from "../../src/observe/registry-mirror.ts";
import { aService } from "../builders/service.ts";
import { T0 } from "../builders/world.ts";
import { say } from "../plan/support/say.ts";
import { aWorldOf } from "./support/a-world.ts";

const web = aService("web", { count: 1 });
const api = aService("api", { count: 1 });

describe("a pass", () => {
  it("writes down what is about to happen, does it, tells of it, and writes down what came of it", async () => {
    const scene = aWorldOf(web);
    const pass = await reconcile(scene.world, ["web"]);
    expect(scene.noted).toEqual(["write web", "start web.1.1 on h1 (start-missing)", "write web", "told of web: done"]);
    expect(pass.results).toMatchObject([{ kind: "done" }]);
    expect(scene.memory().services["web"]).toMatchObject({ slots: { 1: { generation: 1, confirmed: true } } });
  });

  it("writes and does nothing when all is well and nothing has changed", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    await reconcile(scene.world, ["web"]);
    scene.noted.length = 0;
    await reconcile(scene.world, ["web"]);
    expect(scene.noted).toEqual(["write ", "told of web: nothing"]);
  });

  it("does nothing when it was not written down, and says why", async () => {
    const scene = aWorldOf(web);
    scene.refuse("the leader key is held no more");
    const pass = await reconcile(scene.world, ["web"]);
    expect(scene.noted).toEqual(["write web", "told of web: skipped"]);
    expect(pass.results).toMatchObject([{ kind: "skipped", reason: "the leader key is held no more" }]);
  });

  it("says of which services it could not write down what it found, though nothing was to be done", async () => {
    const scene = aWorldOf(web, api);
    scene.runs(web, 1);
    scene.runs(api, 1);
    await reconcile(scene.world, ["api"]);
    scene.refuse("Memory was changed by somebody else");
    const pass = await reconcile(scene.world, ["api", "web"]);
    expect(pass.results).toEqual([]);
    expect(pass.unwritten).toEqual(["web"]);
  });

  it("looks at one service without holding up another that is slow", async () => {
    const scene = aWorldOf(web, api);
    const letGo = scene.holdUp("api");
    const settled: string[] = [];
    const pass = reconcile(scene.world, ["api", "web"], { settled: (name) => void settled.push(name) });
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toEqual(["web"]);
    letGo();
    await pass;
    expect(settled).toEqual(["web", "api"]);
  });

  it("settles what nobody asks for any more", async () => {
    const scene = aWorldOf(web);
    const settled: string[] = [];
    await reconcile(scene.world, ["gone", "web"], { settled: (name) => void settled.push(name) });
    expect(settled).toEqual(["gone", "web"]);
  });

  it("remembers what came of its actions", async () => {
    const scene = aWorldOf(web);
    scene.comesTo("web", (action) => ({ kind: "failed", action, tookMs: 1, message: "no such image", retry: "later" }));
    await reconcile(scene.world, ["web"]);
    expect(scene.memory().services["web"]).toMatchObject({
      inFlight: [],
      slots: { 1: { backOff: { because: "no such image" }, failuresAtMs: [T0] } },
    });
    scene.noted.length = 0;
    await reconcile(scene.world, ["web"]);
    expect(scene.noted.filter((line) => line.startsWith("start"))).toEqual([]);
  });

  it("carries out nothing that was not agreed to", async () => {
    const scene = aWorldOf(web);
    const disagree = (): never => {
      throw new Error("the plan has changed");
    };
    await expect(reconcile(scene.world, ["web"], { agreed: disagree })).rejects.toThrow("the plan has changed");
    expect(scene.noted).toEqual([]);
  });

  it("asks for agreement to the very plan that is carried out", async () => {
    const scene = aWorldOf(web);
    const agreed: string[] = [];
    const pass = await reconcile(scene.world, ["web"], {
      agreed: (plan) => void agreed.push(JSON.stringify(plan)),
    });
    expect(agreed).toEqual([JSON.stringify(pass.plan)]);
    expect(scene.decisions.map(({ plan }) => JSON.stringify(plan))).toEqual(agreed);
  });

  it("decides anew when Memory has changed while it looked", async () => {
    const scene = aWorldOf(web);
    let answer = (): void => undefined;
    scene.consul.gate = new Promise((resolve) => (answer = resolve));
    const pass = reconcile(scene.world, ["web"]);
    scene.remember({
      services: { web: { ...noServiceMemory, pause: { sinceMs: T0, untilMs: null, why: "somebody paused it" } } },
    });
    answer();
    expect((await pass).results).toEqual([]);
    expect(scene.memory().services["web"]?.pause).not.toBeNull();
  });
});

describe("closer looks", () => {
  it("tells of nothing as on its way that is only planned", async () => {
    const scene = aWorldOf(web);
    const { plan, memory } = await decide(scene.world, ["web"]);
    expect(plan.services["web"]?.waves.flat()).toHaveLength(1);
    expect(memory.services["web"]).toMatchObject({ inFlight: [], slots: {} });
  });

  it("are made before anything is taken away", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1, { generation: 1 });
    scene.runs(web, 1, { generation: 2, on: "h2" });
    const { plan } = await decide(scene.world, ["web"]);
    expect(scene.consul.asked).toEqual(["web default", "web consistent"]);
    expect(plan.services["web"]?.waves.flat().map(say)).toEqual([
      "stop web.1.1 on h1, deregistering on h1-node (remove-superseded)",
    ]);
  });

  it("are made until two agree on what is suspect", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1, { consul: "unlisted" });
    const { plan } = await decide(scene.world, ["web"]);
    expect(scene.consul.asked).toEqual(["web default", "web consistent", "web consistent"]);
    expect(plan.services["web"]?.waves.flat().map(say)).toEqual(["register web.1.1 on h1 (register-unlisted)"]);
  });

  it("are made of nothing but what needs them", async () => {
    const scene = aWorldOf(web, api);
    scene.runs(web, 1, { consul: "unlisted" });
    scene.runs(api, 1);
    await decide(scene.world, ["api", "web"]);
    expect(scene.consul.asked.filter((asked) => asked.startsWith("api"))).toEqual(["api default"]);
  });

  it("end after four, when they go on contradicting each other", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1, { consul: "unlisted" });
    let others = 0;
    const { registry } = scene.consul;
    const shifting = {
      ...scene.world.eyes.registry,
      service: async (name: string, consistency: "default" | "consistent") => {
        others += 1;
        const answer = await openRegistryMirror(registry, scene.world.clock).service(name, consistency);
        scene.runs(web, 9, { state: "exited", generation: others });
        return answer;
      },
    };
    const world = { ...scene.world, eyes: { ...scene.world.eyes, registry: shifting } };
    const { plan } = await decide(world, ["web"]);
    expect(scene.consul.asked).toHaveLength(5);
    expect(plan.services["web"]?.standing.trust).toBe("suspect");
    expect(plan.services["web"]?.waves).toEqual([]);
  });

  it("change nothing anywhere when it is only to be decided", async () => {
    const scene = aWorldOf(web);
    await decide(scene.world, ["web"]);
    expect(scene.noted).toEqual([]);
    expect(scene.decisions).toHaveLength(1);
    expect(scene.memory().services).toEqual({});
  });
});

describe("passes at the same time", () => {
  it("spend the budget of stops one after the other", async () => {
    const trim = { surplus: { action: "trim", afterMs: 0 } } as const;
    const services = ["a", "b", "c", "d", "e"].map((name) => aService(name, { count: 0, ...trim }));
    const scene = aWorldOf(...services);
    for (const service of services) scene.runs(service, 1);
    const passes = await Promise.all(services.map(({ name }) => reconcile(scene.world, [name])));
    expect(passes.flatMap(({ results }) => results)).toHaveLength(3);
    expect(scene.memory().fleet.stopsAtMs).toHaveLength(3);
  });

  it("do not wait for one another otherwise", async () => {
    const scene = aWorldOf(web, api);
    await Promise.all([reconcile(scene.world, ["web"]), reconcile(scene.world, ["api"])]);
    expect(scene.noted.slice(0, 2)).toEqual(["write web", "write api"]);
  });
});

describe("a pass without the right to act", () => {
  it("is the whole pass when all is well and nothing has changed", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    await reconcile(scene.world, ["web"]);
    scene.noted.length = 0;
    const pass = await idlePass(scene.world, ["web"], () => undefined);
    expect(pass).toMatchObject({ results: [], plan: { services: { web: { waves: [], standing: { status: 0 } } } } });
    expect(scene.noted).toEqual([]);
  });

  it("is none, and does nothing, when there is something to do", async () => {
    const scene = aWorldOf(web);
    expect(await idlePass(scene.world, ["web"], () => undefined)).toBeNull();
    expect(scene.noted).toEqual([]);
    expect(scene.decisions).toEqual([]);
  });

  it("is none when there is nothing to do but something to remember", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    expect(await idlePass(scene.world, ["web"], () => undefined)).toBeNull();
    expect(scene.noted).toEqual([]);
  });

  it("rejects with what its plan was not agreed for", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    await reconcile(scene.world, ["web"]);
    const refuse = (): never => {
      throw new Error("another plan");
    };
    await expect(idlePass(scene.world, ["web"], refuse)).rejects.toThrow("another plan");
  });
});
