import { describe, expect, it } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { openEngine } from "../../../src/adapters/docker/open-engine.ts";
import { everything } from "./answers.ts";
import { aFakeEngine, hangingUp, json, never, pong } from "./fake-engine.ts";
import { creation, failure } from "./failures.ts";

describe("a connection", () => {
  it("whose socket is not there is unreachable", async () => {
    const fake = await aFakeEngine({});
    const engine = openEngine(
      "h9",
      { address: `unix://${fake.socketPath}.not`, tlsDirectory: null },
      { clock: realClock() },
    );
    expect(await failure(engine.ping())).toMatch(/^unreachable: h9: .*ENOENT/);
    expect(await failure(engine.start(creation))).toMatch(/^unreachable: h9: .*ENOENT/);
    engine.close();
  });

  it("that nobody takes any more is unreachable, also when the engine answered before", async () => {
    const fake = await aFakeEngine({ "/containers/json": hangingUp(json([])) });
    await fake.engine.list(everything);
    await fake.engine.list(everything);
    fake.stopListening();
    expect(await failure(fake.engine.start(creation))).toMatch(/^unreachable/);
  });

  it("to an engine that takes it and says nothing has sent nothing of the start", async () => {
    const fake = await aFakeEngine({ "/_ping": never() }, { pingMs: 400 });
    expect(await failure(fake.engine.start(creation))).toMatch(/^unreachable: .*no answer within 400 ms/);
    expect(await failure(fake.engine.ping())).toMatch(/^unclear/);
    expect(fake.requests).toEqual(["GET /_ping", "GET /_ping"]);
  });

  it("closes its socket at the deadline, so that nothing piles up", async () => {
    const fake = await aFakeEngine(
      { "/_ping": hangingUp(pong("1.41")), "/containers/json": never() },
      { deadlines: { listMs: 500 } },
    );
    const said = await Promise.all(Array.from({ length: 20 }, () => failure(fake.engine.list(everything))));
    expect(said.every((one) => one.startsWith("unclear"))).toBe(true);
    expect(fake.requests.length).toBeGreaterThan(20);
    await fake.untilNoSockets();
  });

  it("is kept and used again", async () => {
    const fake = await aFakeEngine({ "/containers/json": json([]) });
    for (let turn = 0; turn < 20; turn += 1) await fake.engine.list(everything);
    expect(fake.connections()).toBe(1);
  });

  it("is a new one where that was asked for, and is not kept", async () => {
    const fake = await aFakeEngine({ "/containers/json": json([]), "/info": json({ ID: "abc" }) });
    await fake.engine.ping();
    await fake.engine.ping("anew");
    await fake.engine.ping("anew");
    expect(fake.connections()).toBe(3);
    fake.engine.close();
    await fake.untilNoSockets();
  });

  it("that was closed sends nothing any more", async () => {
    const fake = await aFakeEngine({ "/containers/json": never() });
    const pending = failure(fake.engine.list(everything));
    while (fake.requests.length < 2) await new Promise(setImmediate);
    fake.engine.close();
    expect(await pending).toMatch(/^unclear/);
    expect(await failure(fake.engine.list(everything))).toMatch(/^unreachable: .*closed$/);
    await fake.untilNoSockets();
  });
});

describe("the API version", () => {
  const spoken = async (version: string): Promise<string> => {
    const fake = await aFakeEngine({ "/_ping": pong(version), "/containers/json": json([]) });
    const said = await failure(fake.engine.list(everything));
    return said === "no failure" ? (fake.requests.at(-1)?.split("/")[1] ?? "") : said;
  };

  it("is the engine's own up to the newest known", async () => {
    expect(await spoken("1.24")).toBe("v1.24");
    expect(await spoken("1.41")).toBe("v1.41");
    expect(await spoken("1.99")).toBe("v1.51");
    expect(await spoken("2.0")).toBe("v1.51");
  });

  it("is refused when it is too old, and unclear when it cannot be read", async () => {
    expect(await spoken("1.23")).toMatch(/^refused: .*speaks API 1.23, 1.24 or newer is needed/);
    expect(await spoken("0.9")).toMatch(/^refused/);
    expect(await spoken("newest")).toMatch(/"newest" cannot be read/);
    expect(await spoken("")).toMatch(/cannot be read/);
  });

  it("is agreed anew when an exchanged engine refuses it", async () => {
    let version = "1.41";
    const fake = await aFakeEngine({
      "/_ping": (request, response) => pong(version)(request, response),
      "/v1.41/containers/json": (request, response) =>
        (version === "1.41" ? json([]) : json({ message: "client version 1.41 is too old. Minimum is 1.44" }, 400))(
          request,
          response,
        ),
      "/v1.50/containers/json": json([]),
    });
    await fake.engine.list(everything);
    version = "1.50";
    expect(await failure(fake.engine.list(everything))).toMatch(/^refused: .*too old/);
    expect(await failure(fake.engine.list(everything))).toBe("no failure");
  });
});
