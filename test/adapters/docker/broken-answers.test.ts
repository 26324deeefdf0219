import { describe, expect, it } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { openEngine } from "../../../src/adapters/docker/open-engine.ts";
import type { EngineError } from "../../../src/ports/engine.ts";
import { aTemplate } from "../../builders/template.ts";
import { everything, id, inspected, listed } from "./answers.ts";
import { aFakeEngine, type Answer, cut, half, hangingUp, json, never, pong, raw, stuck } from "./fake-engine.ts";

const creation = {
  name: "heal.live.web.3.2",
  slot: 3,
  environment: { TOKEN: "hunter2hunter2" },
  labels: listed.Labels,
  template: aTemplate("web:1", { environment: { TOKEN: { kind: "consul-key", key: "token" } } }),
};

const shortDeadlines = {
  listMs: 400,
  inspectMs: 400,
  createMs: 400,
  startMs: 400,
  stopMs: 400,
  removeMs: 400,
  pullMs: 400,
  logsMs: 400,
};

/** Kind and message of the error that a call rejects with; a hang fails the test by its time. */
async function failure(doing: Promise<unknown>): Promise<string> {
  return doing.then(
    () => "no failure",
    (error: EngineError) => (error.name === "EngineError" ? `${error.kind}: ${error.message}` : String(error)),
  );
}

describe("a list", () => {
  const list = async (answer: Answer): Promise<string> => {
    const fake = await aFakeEngine({ "/containers/json": answer }, { deadlines: shortDeadlines });
    const said = await failure(fake.engine.list(everything));
    return said;
  };

  it.each<[string, Answer, RegExp]>([
    ["never comes", never(), /^unclear: .*no answer within 400 ms/],
    ["stops half-way without an end", stuck("["), /^unclear: .*no answer within 400 ms/],
    ["is cut off in the middle", half("[{"), /^unclear: .*(aborted|lost in the middle)/],
    ["is cut off before it begins", cut(), /^unclear: .*hang up/],
    ["is not JSON", raw("<html>"), /^unclear: .*cannot be read/],
    ["is JSON by half", raw('[{"Id":'), /^unclear: .*cannot be read/],
    ["is empty", raw(""), /^unclear: .*cannot be read/],
    ["is null", raw("null"), /^unclear: .*containers is .* instead of a list/],
    ["is of another content type", raw("[]", 200, "text/html"), /^unclear: .*instead of a list/],
    ["is an object", json({ containers: [] }), /^unclear: .*instead of a list/],
    ["is a refusal", json({ message: "we are full" }, 500), /^refused: .*we are full$/],
    ["is a refusal in plain text", raw("go away", 403, "text/plain"), /^refused: .*go away$/],
    ["is a refusal without a word", raw("", 500), /^refused: .*HTTP status 500$/],
    ["is a gateway's own time-out", raw("<html>504", 504, "text/html"), /^unclear: .*504$/],
    ["is a redirection", raw("", 301), /^refused: .*HTTP status 301$/],
  ])("that %s rejects", async (_name, answer, expected) => {
    expect(await list(answer)).toMatch(expected);
  });

  it.each<[string, unknown]>([
    ["containers[1]", null],
    ["containers[1]", "text"],
    ["containers[1].Id", { ...listed, Id: undefined }],
    ["containers[1].Id", { ...listed, Id: "../../images" }],
    ["containers[1].Id", { ...listed, Id: 7 }],
    ["containers[1].Names", { ...listed, Names: "web" }],
    ["containers[1].Labels", { ...listed, Labels: [] }],
    ["containers[1].Labels.heal.slot", { ...listed, Labels: { "heal.slot": 3 } }],
    ["containers[1].State", { ...listed, State: "levitating" }],
    ["containers[1].State", { ...listed, State: undefined }],
    ["containers[1].Status", { ...listed, Status: null }],
    ["containers[1].Ports", { ...listed, Ports: "8080" }],
    ["containers[1].Ports[0].PrivatePort", { ...listed, Ports: [{ PublicPort: 1, Type: "tcp" }] }],
    ["containers[1].NetworkSettings.Networks", { ...listed, NetworkSettings: { Networks: 1 } }],
  ])("with one entry whose %s cannot be read rejects as a whole", async (field, entry) => {
    expect(await list(json([listed, entry]))).toContain(`${field} is `);
  });

  it("that is too long rejects before all of it is held in memory", async () => {
    let sent = 0;
    const endless: Answer = (_request, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      const more = (): void => {
        while (!response.destroyed && response.write(" ".repeat(64 * 1024))) sent += 1;
        sent += 1;
      };
      response.on("drain", more);
      more();
    };
    const fake = await aFakeEngine({ "/containers/json": endless }, { answerBytesMax: 1024 * 1024 });
    expect(await failure(fake.engine.list(everything))).toMatch(/^unclear: .*longer than 1048576 bytes/);
    await fake.untilNoSockets();
    expect(sent * 64 * 1024).toBeLessThan(32 * 1024 * 1024);
  });

  it("costs one request once its containers are known, and another look at one that comes back", async () => {
    const State = { ...inspected.State, StartedAt: new Date(Date.now() - 5.5 * 60_000).toISOString() };
    let present = true;
    const fake = await aFakeEngine({
      "/containers/json": (request, response) => json(present ? [listed] : [])(request, response),
      [`/${id}/json`]: json({ ...inspected, State }),
    });
    const inspections = (): number => fake.requests.filter((line) => line.includes(`/${id}/json`)).length;
    const first = await fake.engine.list(everything);
    expect(await fake.engine.list(everything)).toEqual(first);
    expect(inspections()).toBe(1);
    present = false;
    expect(await fake.engine.list(everything)).toEqual([]);
    present = true;
    expect(await fake.engine.list(everything)).toEqual(first);
    expect(inspections()).toBe(2);
  });

  it("asks once more each for Compose projects and Swarm services, and gives each container once", async () => {
    const fake = await aFakeEngine({ "/containers/json": json([listed]), [`/${id}/json`]: json(inspected) });
    const adopting = { composeProjects: ["shop", "blog"], swarmServices: ["web"] };
    expect(await fake.engine.list({ ...everything, service: "web", ...adopting })).toHaveLength(1);
    const asked = fake.requests.filter((line) => line.includes("/containers/json"));
    expect(
      asked.map(
        (line) => JSON.parse(new URL(line.split(" ")[1] ?? "", "http://h").searchParams.get("filters") ?? "").label,
      ),
    ).toEqual([
      ["heal.environment=live", "heal.service=web"],
      ["com.docker.compose.project"],
      ["com.docker.swarm.service.name=web"],
    ]);
  });

  it("leaves out an entry that the engine's filter should have left out", async () => {
    const foreign = { ...listed, Labels: { "heal.environment": "test" } };
    const fake = await aFakeEngine({ "/containers/json": json([foreign]) });
    expect(await fake.engine.list(everything)).toEqual([]);
  });

  it("leaves out a container that is gone by the time it is inspected, and no other", async () => {
    const other = id.replace("4f", "5f");
    const fake = await aFakeEngine({
      "/containers/json": json([listed, { ...listed, Id: other }]),
      [`/${other}/json`]: json({ message: `No such container: ${other}` }, 404),
      [`/${id}/json`]: json(inspected),
    });
    expect((await fake.engine.list(everything)).map((container) => container.id)).toEqual([id]);
  });

  it("rejects when one of its containers cannot be inspected", async () => {
    const fake = await aFakeEngine({ "/containers/json": json([listed]), [`/${id}/json`]: cut() });
    expect(await failure(fake.engine.list(everything))).toMatch(/^unclear/);
  });
});

describe("an inspection", () => {
  const inspect = async (answer: Answer): Promise<string> => {
    const fake = await aFakeEngine({ "/containers/web/json": answer }, { deadlines: shortDeadlines });
    return failure(fake.engine.inspect("web"));
  };

  it("finds nothing only when the engine itself says so", async () => {
    const fake = await aFakeEngine({ "/containers/web/json": json({ message: "No such container: web" }, 404) });
    expect(await fake.engine.inspect("web")).toBeNull();
    expect(await inspect(raw("404 page not found", 404, "text/plain"))).toMatch(/^refused: .*page not found/);
  });

  it.each<[string, unknown]>([
    ["State", { ...inspected, State: undefined }],
    ["State.Status", { ...inspected, State: { ...inspected.State, Status: "half" } }],
    ["StartedAt", { ...inspected, State: { ...inspected.State, StartedAt: "yesterday" } }],
    ["State.ExitCode", { ...inspected, State: { ...inspected.State, Status: "exited", ExitCode: "1" } }],
    ["Config.Labels", { ...inspected, Config: { Labels: "none" } }],
    ["HostConfig", { ...inspected, HostConfig: null }],
    ["NetworkSettings.Ports", { ...inspected, NetworkSettings: { Ports: [1] } }],
    [
      "NetworkSettings.Ports.8080/tcp.HostPort",
      { ...inspected, NetworkSettings: { Ports: { "8080/tcp": [{ HostPort: "a lot" }] } } },
    ],
  ])("whose %s cannot be read is unclear", async (field, answer) => {
    expect(await inspect(json(answer))).toMatch(/^unclear: .*cannot be read/);
    expect(await inspect(json(answer))).toContain(`${field} is `);
  });
});

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
      { deadlines: { listMs: 100 } },
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
