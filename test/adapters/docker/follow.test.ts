import { describe, expect, it, vi } from "vitest";
import type { EngineError, EngineEvent } from "../../../src/ports/engine.ts";
import { id, labels } from "./answers.ts";
import { aFakeEngine, type Answer, cut, json, never } from "./fake-engine.ts";

const attributes = { ...labels, image: "web:1", name: "heal.live.web.3.2" };
const anEvent = (action: string, more: Record<string, string> = {}): object => ({
  Type: "container",
  Action: action,
  Actor: { ID: id, Attributes: { ...attributes, ...more } },
  scope: "local",
  time: 1_785_000_000,
  timeNano: 1_785_000_000_250_000_000,
});

/** An event stream that sends these chunks and then stays open, or ends. */
function stream(chunks: readonly (string | Buffer)[], end = false): Answer {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json" }).flushHeaders();
    void (async () => {
      for (const chunk of chunks) {
        response.write(chunk);
        await new Promise(setImmediate);
      }
      if (end) response.end();
    })();
  };
}

async function follow(answer: Answer) {
  const fake = await aFakeEngine({ "/events": answer }, { pingMs: 400 });
  const abort = new AbortController();
  const events: EngineEvent[] = [];
  const onOpen = vi.fn<() => void>();
  const outcome = fake.engine
    .follow(abort.signal, onOpen, (event) => events.push(event))
    .then(
      () => "resolved",
      (error: EngineError) => `${error.kind}: ${error.message}`,
    );
  return { ...fake, abort, events, onOpen, outcome };
}

const line = (event: object): string => `${JSON.stringify(event)}\n`;

describe("the event stream", () => {
  it("is asked for containers' lifecycle only, since the engine's own time just before", async () => {
    const { requests, outcome } = await follow(stream([], true));
    await outcome;
    const url = new URL(requests.at(-1)?.split(" ")[1] ?? "", "http://engine");
    expect(JSON.parse(url.searchParams.get("filters") ?? "")).toEqual({
      type: ["container"],
      event: ["start", "die", "destroy", "pause", "unpause", "health_status", "rename", "update"],
    });
    const since = Number(url.searchParams.get("since"));
    expect(Date.now() / 1_000 - since).toBeGreaterThanOrEqual(0);
    expect(Date.now() / 1_000 - since).toBeLessThan(3);
  });

  it("is open as soon as it is established, before anything happens", async () => {
    const { onOpen, events, abort, outcome } = await follow(stream([]));
    await vi.waitFor(() => expect(onOpen).toHaveBeenCalledOnce());
    expect(events).toEqual([]);
    abort.abort();
    expect(await outcome).toBe("resolved");
  });

  it("tells each kind of event in the port's words", async () => {
    const actions = [
      "start",
      "health_status: unhealthy",
      "pause",
      "unpause",
      "rename",
      "update",
      "destroy",
      "exec_start: x",
      "top",
    ];
    const chunks = [...actions.map((action) => line(anEvent(action))), line(anEvent("die", { exitCode: "137" }))];
    const { events, outcome } = await follow(stream(chunks, true));
    await outcome;
    expect(events.map((event) => event.kind)).toEqual([
      "started",
      "health",
      "paused",
      "unpaused",
      "changed",
      "changed",
      "removed",
      "died",
    ]);
    expect(events[1]).toMatchObject({ health: "unhealthy", exitCode: null });
    expect(events.at(-1)).toMatchObject({
      kind: "died",
      containerId: id,
      name: "heal.live.web.3.2",
      exitCode: 137,
      health: null,
    });
    expect(events.at(-1)?.labels).toMatchObject(labels);
  });

  it("leaves out containers that carry nobody's mark, and keeps those of Compose and Swarm", async () => {
    const of = (marks: Record<string, string>): object => ({
      ...anEvent("start"),
      Actor: { ID: id, Attributes: { name: Object.keys(marks)[0] ?? "none", ...marks } },
    });
    const compose = { "com.docker.compose.project": "shop" };
    const swarm = { "com.docker.swarm.service.name": "web" };
    const { events, outcome } = await follow(stream([of({}), of(compose), of(swarm)].map(line), true));
    await outcome;
    expect(events.map((event) => event.name)).toEqual([...Object.keys(compose), ...Object.keys(swarm)]);
  });

  it("reads events however they are cut into pieces, letters of several bytes included", async () => {
    const bytes = Buffer.from(line(anEvent("start", { team: "caffè ☕" })) + line(anEvent("pause")));
    const pieces = Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1));
    const { events, outcome } = await follow(stream(pieces, true));
    await outcome;
    expect(events.map((event) => event.kind)).toEqual(["started", "paused"]);
    expect(events[0]?.labels["team"]).toBe("caffè ☕");
  });

  it.each<[string, Answer, RegExp]>([
    ["ends", stream([line(anEvent("start"))], true), /^unclear: .*stream ended/],
    ["is cut off", cut(), /^unclear/],
    ["never answers", never(), /^unclear: .*no answer within 400 ms/],
    ["is refused", json({ message: "not now" }, 500), /^refused: .*not now/],
    ["holds what is not JSON", stream(["{half\n"]), /^unclear: .*not JSON/],
    ["holds an event without an action", stream([line({ Type: "container" })]), /^unclear: .*event.Action is missing/],
    ["holds an event without a container", stream([line({ ...anEvent("die"), Actor: null })]), /event.Actor is null/],
    [
      "holds a line without an end",
      stream(Array.from({ length: 40 }, () => "x".repeat(64 * 1024))),
      /^unclear: .*line is longer/,
    ],
  ])("rejects when it %s, and leaves no socket behind", async (_name, answer, expected) => {
    const { engine, outcome, untilNoSockets } = await follow(answer);
    expect(await outcome).toMatch(expected);
    engine.close();
    await untilNoSockets();
  });

  it("rejects when the connection breaks half-way", async () => {
    const { outcome, onOpen } = await follow((_request, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.write(line(anEvent("start")), () => setTimeout(() => response.socket?.destroy(), 20));
    });
    expect(await outcome).toMatch(/^unclear/);
    expect(onOpen).toHaveBeenCalledOnce();
  });

  it("closes its socket and says nothing more once it is told to end", async () => {
    let write: (text: string) => void = () => undefined;
    const { abort, outcome, events, onOpen, openSockets } = await follow((_request, response) => {
      response.writeHead(200, { "Content-Type": "application/json" }).flushHeaders();
      write = (text) => response.write(text);
    });
    await vi.waitFor(() => expect(onOpen).toHaveBeenCalled());
    write(line(anEvent("start")));
    await vi.waitFor(() => expect(events).toHaveLength(1));
    abort.abort();
    write(line(anEvent("die")));
    expect(await outcome).toBe("resolved");
    // What is left is the kept connection of the ping.
    await vi.waitFor(() => expect(openSockets()).toBeLessThanOrEqual(1));
    expect(events).toHaveLength(1);
  });

  it("ends at once when it is told to while the engine hangs", async () => {
    const fake = await aFakeEngine({ "/_ping": never() });
    const abort = new AbortController();
    const followed = fake.engine.follow(
      abort.signal,
      () => undefined,
      () => undefined,
    );
    await vi.waitFor(() => expect(fake.requests).toHaveLength(1));
    abort.abort();
    expect(await followed).toBeUndefined();
    await fake.untilNoSockets();
  });

  it("tells nothing more of what came together with the event it was told to end at", async () => {
    const fake = await aFakeEngine({ "/events": stream([line(anEvent("start")) + line(anEvent("die"))]) });
    const abort = new AbortController();
    const kinds: string[] = [];
    await fake.engine.follow(
      abort.signal,
      () => undefined,
      (event) => {
        kinds.push(event.kind);
        abort.abort();
      },
    );
    expect(kinds).toEqual(["started"]);
  });

  it("follows a hundred times without leaving anything behind", async () => {
    const fake = await aFakeEngine({ "/events": stream([]) });
    for (let turn = 0; turn < 100; turn += 1) {
      const abort = new AbortController();
      await fake.engine.follow(
        abort.signal,
        () => abort.abort(),
        () => undefined,
      );
    }
    await vi.waitFor(() => expect(fake.openSockets()).toBeLessThanOrEqual(1));
  });
});
