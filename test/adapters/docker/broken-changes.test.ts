import { describe, expect, it } from "vitest";
import { id, inspected } from "./answers.ts";
import { aFakeEngine, type Answer, cut, half, hangingUp, json, never, raw, stuck } from "./fake-engine.ts";
import { creation, failure, shortDeadlines } from "./failures.ts";

describe("a start", () => {
  const createdAnswer = json({ Id: id, Warnings: [] }, 201);
  const noContent: Answer = (_request, response) => response.writeHead(204).end();
  const working = { "/containers/create": createdAnswer, "/start": noContent, [`/${id}/json`]: json(inspected) };
  const start = async (routes: Record<string, Answer>): Promise<{ said: string; requests: string[] }> => {
    const fake = await aFakeEngine({ ...routes, ...working, ...routes }, { deadlines: shortDeadlines });
    return {
      said: await failure(fake.engine.start(creation)),
      requests: fake.requests.map((line) => line.split("?")[0] ?? ""),
    };
  };
  const removal = `DELETE /v1.41/containers/${id}`;

  it("costs a ping the first time, and then a creation, a start and an inspection", async () => {
    const fake = await aFakeEngine(working);
    await fake.engine.start(creation);
    await fake.engine.start(creation);
    const three = [
      "POST /v1.41/containers/create?name=heal.live.web.3.2",
      `POST /v1.41/containers/${id}/start`,
      `GET /v1.41/containers/${id}/json`,
    ];
    expect(fake.requests).toEqual(["GET /_ping", ...three, ...three]);
    expect(fake.bodies.every((body) => JSON.parse(body).Env[0] === "TOKEN=hunter2hunter2")).toBe(true);
  });

  it.each<[string, Answer, RegExp]>([
    ["unanswered", never(), /^unclear: .*no answer within 400 ms/],
    ["answered without an id", json({}, 201), /^unclear: .*Id is missing/],
    ["answered with nothing", raw("null", 201), /^unclear/],
    ["cut off", cut(), /^unclear/],
    ["refused", json({ message: "invalid mount" }, 400), /^refused: .*invalid mount$/],
    [
      "in conflict",
      json({ message: 'Conflict. The container name "/x" is already in use by container "y".' }, 409),
      /^name-taken/,
    ],
  ])("whose creation is %s fails without more ado", async (_name, answer, expected) => {
    const { said, requests } = await start({ "/containers/create": answer });
    expect(said).toMatch(expected);
    expect(requests).toEqual(["GET /_ping", "POST /v1.41/containers/create"]);
  });

  it("that the engine refuses removes what was created", async () => {
    const { said, requests } = await start({
      "/start": json({ message: "port is already allocated" }, 500),
      DELETE: noContent,
    });
    expect(said).toMatch(/^refused: .*port is already allocated$/);
    expect(requests).toContain(removal);
  });

  it("that is refused says so when what was created cannot be removed either", async () => {
    const { said } = await start({
      "/start": json({ message: "port is already allocated" }, 500),
      DELETE: json({ message: "device is busy" }, 500),
    });
    expect(said).toMatch(/^refused: .*port is already allocated; .*could not be removed: .*device is busy$/);
  });

  it("whose outcome is unclear removes nothing: it may be running", async () => {
    const { said, requests } = await start({ "/start": cut(), DELETE: noContent });
    expect(said).toMatch(/^unclear/);
    expect(requests).not.toContain(removal);
  });

  it("is unclear when the engine goes away between the creation and the start", async () => {
    const fake = await aFakeEngine({
      "/containers/create": (request, response) => {
        fake.stopListening();
        hangingUp(createdAnswer)(request, response);
      },
    });
    expect(await failure(fake.engine.start(creation))).toMatch(/^unclear: h1: could not start /);
  });

  it("is unclear, not failed, when only the inspection after it fails", async () => {
    const { said } = await start({ [`/${id}/json`]: json({ message: "try later" }, 500) });
    expect(said).toMatch(/^unclear: started, but: .*try later$/);
  });

  it("takes secrets out of what the engine quotes, also where the message is cut", async () => {
    const quoting = json({ message: `${"x".repeat(490)} bad TOKEN=hunter2hunter2` }, 400);
    const fake = await aFakeEngine({ "/containers/create": quoting });
    const error = await fake.engine.start(creation).catch((caught: unknown) => caught as Error);
    const cause = (error as Error).cause as Error;
    expect(cause.message).toContain("bad TOKEN=…");
    expect([String(error), cause.stack].join()).not.toContain("hunter2");
  });

  it("fetches an image that the engine lacks, once, and goes on", async () => {
    let present = false;
    const create: Answer = (request, response) =>
      (present ? createdAnswer : json({ message: "No such image: web:1" }, 404))(request, response);
    const pull: Answer = (request, response) => {
      present = true;
      raw('{"status":"Pulling"}\n{"status":"Done"}\n')(request, response);
    };
    const { said, requests } = await start({ "/containers/create": create, "/images/create": pull });
    expect(said).toBe("no failure");
    expect(requests.filter((line) => line.includes("/images/create"))).toHaveLength(1);
  });

  it.each<[string, Answer, RegExp]>([
    ["is not known", json({ message: "pull access denied" }, 404), /pull access denied$/],
    ["breaks off with an error", raw('{"status":"Pulling"}\n{"error":"disk is full"}\n'), /disk is full$/],
    ["does not come in time", stuck('{"status":"Pulling"}\n'), /no answer within 400 ms$/],
    ["is cut off", half('{"status":"Pulling"}\n'), /could not pull web:1/],
  ])("is refused when the image %s", async (_name, answer, reason) => {
    const { said } = await start({
      "/containers/create": json({ message: "No such image: web:1" }, 404),
      "/images/create": answer,
    });
    expect(said).toMatch(/^refused: image web:1 is not on host h1 and could not be pulled: /);
    expect(said).toMatch(reason);
  });
});

describe("a stop and a removal", () => {
  const gone = json({ message: "No such container: x" }, 404);
  const notModified: Answer = (_request, response) => response.writeHead(304).end();

  it("count in the engine's seconds, rounded up", async () => {
    const fake = await aFakeEngine({ "/stop": notModified });
    await fake.engine.stop(id, 1_200);
    expect(fake.requests.at(-1)).toBe(`POST /v1.41/containers/${id}/stop?t=2`);
  });

  it("believe that a container is gone only from the engine itself", async () => {
    const nobody = raw("404 page not found", 404, "text/plain");
    const fake = await aFakeEngine({ "/stop": nobody, DELETE: nobody });
    expect(await failure(fake.engine.stop(id, 0))).toMatch(/^refused/);
    expect(await failure(fake.engine.remove(id))).toMatch(/^refused/);
    const empty = await aFakeEngine({ "/stop": gone, DELETE: gone });
    expect(await failure(empty.engine.stop(id, 0))).toBe("no failure");
    expect(await failure(empty.engine.remove(id))).toBe("no failure");
  });

  it("wait until a container that somebody else is removing is gone", async () => {
    let looks = 0;
    const fake = await aFakeEngine({
      DELETE: json({ message: `removal of container ${id} is already in progress` }, 409),
      [`/${id}/json`]: (request, response) => ((looks += 1) < 3 ? json(inspected) : gone)(request, response),
    });
    await fake.engine.remove(id);
    expect(looks).toBe(3);
  });

  it("do not wait for ever for it", async () => {
    const fake = await aFakeEngine(
      { DELETE: json({ message: "removal is already in progress" }, 409), [`/${id}/json`]: json(inspected) },
      { deadlines: { removeMs: 120 } },
    );
    expect(await failure(fake.engine.remove(id))).toMatch(/^unclear: .*still there$/);
  });

  it("never put anything but a name or an id into a path", async () => {
    const fake = await aFakeEngine({});
    for (const bad of ["", "../images/web", "a/b", "a?force=1", "-x", "a b"]) {
      expect(await failure(fake.engine.remove(bad))).toMatch(/^refused: .* is no name of a container/);
    }
    expect(fake.requests).toEqual(["GET /_ping"]);
  });
});
