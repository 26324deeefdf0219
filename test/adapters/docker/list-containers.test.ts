import { describe, expect, it } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { everything, id, inspected, listed } from "./answers.ts";
import { aFakeEngine, json } from "./fake-engine.ts";

const minuteMs = 60_000;

/** An engine with one container, five and a half minutes after its start; both what it says and the time can change. */
async function anEngine() {
  const real = realClock();
  let laterMs = 0;
  const clock: Clock = { ...real, steadyMs: () => real.steadyMs() + laterMs, wallMs: () => real.wallMs() + laterMs };
  const StartedAt = new Date(real.wallMs() - 5.5 * minuteMs).toISOString();
  const started = { ...inspected, State: { ...inspected.State, StartedAt } };
  let list: unknown = [listed];
  let inspection: unknown = started;
  let isListed = (): void => undefined;
  const listedOnce = new Promise<void>((resolve) => (isListed = resolve));
  const fake = await aFakeEngine(
    {
      [`/containers/${id}/json`]: (request, response) => json(inspection)(request, response),
      "/containers/json": (request, response) => {
        json(list)(request, response);
        isListed();
      },
    },
    { clock },
  );
  return {
    isListed: () => listedOnce,
    list: () => fake.engine.list(everything),
    inspect: () => fake.engine.inspect(id),
    inspections: () => fake.requests.filter((line) => line.includes(`/containers/${id}/json`)).length,
    answers: (entry: object) => void (list = [{ ...listed, ...entry }]),
    inspectsAs: (changes: object) => void (inspection = { ...started, ...changes }),
    isLaterBy: (ms: number) => void (laterMs += ms),
  };
}

describe("a list with the same bytes as the last one", () => {
  it("gives the same array, and is not completed by anything", async () => {
    const engine = await anEngine();
    const first = await engine.list();
    expect(first).toHaveLength(1);
    expect(await engine.list()).toBe(first);
    expect(engine.inspections()).toBe(1);
  });

  it("is read again when it says something else", async () => {
    const engine = await anEngine();
    await engine.list();
    engine.answers({ Status: "Up 5 minutes (unhealthy)" });
    expect(await engine.list()).toMatchObject([{ health: "unhealthy" }]);
  });

  it("is held against what an inspection has shown meanwhile", async () => {
    const engine = await anEngine();
    const first = await engine.list();
    engine.inspectsAs({ HostConfig: { ...inspected.HostConfig, RestartPolicy: { Name: "no" } } });
    await engine.inspect();
    const second = await engine.list();
    expect(second).not.toBe(first);
    expect(second).toMatchObject([{ restartsItself: false }]);
  });

  it("is not believed once the ages in it cannot be true any more", async () => {
    const engine = await anEngine();
    const first = await engine.list();
    engine.isLaterBy(minuteMs);
    const second = await engine.list();
    expect(second).not.toBe(first);
    expect(engine.inspections()).toBe(2);
  });
});

describe("several lists that meet the same new container", () => {
  it("inspect it once between them", async () => {
    const engine = await anEngine();
    const lists = await Promise.all([engine.list(), engine.list(), engine.list()]);
    expect(engine.inspections()).toBe(1);
    for (const list of lists) expect(list).toEqual(lists[0]);
  });

  it("look for themselves where what one has found does not fit their own entry", async () => {
    const engine = await anEngine();
    const first = engine.list();
    await engine.isListed();
    engine.answers({ State: "exited", Status: "Exited (0) 1 second ago" });
    const [, second] = await Promise.all([first, engine.list()]);
    expect(engine.inspections()).toBe(2);
    expect(second).toHaveLength(1);
  });
});
