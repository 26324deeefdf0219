import { describe, expect, it } from "vitest";
import { everything, id, inspected, listed } from "./answers.ts";
import { aFakeEngine, type Answer, cut, half, json, never, raw, stuck } from "./fake-engine.ts";
import { failure, shortDeadlines } from "./failures.ts";

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
