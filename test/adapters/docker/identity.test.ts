import { describe, expect, it } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { type Answer, aFakeEngine, json, never, pong } from "./fake-engine.ts";
import { failure } from "./failures.ts";

async function anEngineThatAges(info: () => Answer) {
  let nowMs = 0;
  const fake = await aFakeEngine(
    {
      "/_ping": (request, response) => ping(request, response),
      "/info": (request, response) => info()(request, response),
    },
    { clock: { ...realClock(), steadyMs: () => nowMs }, deadlines: { infoMs: 200 } },
  );
  let ping = pong("1.41");
  return {
    engine: fake.engine,
    infos: () => fake.requests.filter((line) => line.includes("/info")).length,
    later: (ms: number) => void (nowMs += ms),
    answerPings: (answer: Answer) => void (ping = answer),
  };
}

describe("who an engine is", () => {
  it("is asked once, and again while nobody waits for it after half a minute", async () => {
    let id = "first";
    const { engine, infos, later } = await anEngineThatAges(() => json({ ID: id }));
    await engine.ping();
    await engine.ping();
    expect(infos()).toBe(1);
    id = "second";
    later(30_000);
    expect(await engine.ping()).toMatchObject({ id: "first" });
    await expect.poll(infos).toBe(2);
    await expect.poll(async () => (await engine.ping()).id).toBe("second");
    expect(infos()).toBe(2);
  });

  it("is not taken from a minute ago: then whoever asks waits for it", async () => {
    let id = "first";
    const { engine, later } = await anEngineThatAges(() => json({ ID: id }));
    await engine.ping();
    id = "second";
    later(60_000);
    expect(await engine.ping()).toMatchObject({ id: "second" });
  });

  it("is forgotten when it cannot be asked again, and asked by whoever comes next", async () => {
    let info = json({ ID: "first" });
    const { engine, infos, later } = await anEngineThatAges(() => info);
    await engine.ping();
    info = json({ message: "broken" }, 500);
    later(30_000);
    await engine.ping();
    await expect.poll(() => failure(engine.ping())).toMatch(/broken/);
    expect(infos()).toBeGreaterThanOrEqual(3);
  });

  it("is asked anew after a failure, whatever an answer that was under way then says", async () => {
    let info = json({ ID: "first" });
    let answerLate = (): void => undefined;
    const { engine, later, answerPings } = await anEngineThatAges(() => info);
    await engine.ping();
    info = (request, response) => void (answerLate = () => json({ ID: "first" })(request, response));
    later(30_000);
    await engine.ping();
    answerPings(json({ message: "away" }, 500));
    await failure(engine.ping());
    answerPings(pong("1.41"));
    info = json({ ID: "rebuilt" });
    answerLate();
    expect(await engine.ping()).toMatchObject({ id: "rebuilt" });
  });

  it("that never comes ends a first question at its deadline", async () => {
    const { engine } = await anEngineThatAges(() => never());
    expect(await failure(engine.ping())).toMatch(/^unclear: .*could not ask who it is.*no answer within 200 ms/);
  });
});
