import { getEventListeners } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Container } from "../../src/model/instance.ts";
import { openHostMirror } from "../../src/observe/host-mirror.ts";
import type { ContainerFilter } from "../../src/ports/engine.ts";
import { aService } from "../builders/service.ts";
import { anInstance, T0 } from "../builders/world.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";
import type { Stream } from "./support/scripted-engine.ts";
import { scriptedEngine } from "./support/scripted-engine.ts";

function aContainer(id: string, changes: Partial<Container> = {}): Container {
  return anInstance(aService("web"), 1, T0, { container: { id, name: id, ...changes } }).container;
}

const everything: ContainerFilter = {
  environment: "live",
  service: null,
  composeProjects: ["shop"],
  swarmServices: [],
};

function open() {
  const clock = fakeClock();
  const script = scriptedEngine();
  const changes: (string | null)[] = [];
  const mirror = openHostMirror({
    engine: script.engine,
    clock,
    filter: () => everything,
    onChange: (key) => void changes.push(key),
  });
  const states = (): Record<string, string> =>
    Object.fromEntries(mirror.containers("service web").map(({ id, state }) => [id, state]));
  return { clock, script, changes, mirror, states };
}

/** A mirror that follows, with its stream open and everything listed. */
async function following(...containers: readonly Container[]) {
  const opened = open();
  const { script, mirror, clock, changes } = opened;
  for (const container of containers) script.there.set(container.id, container);
  const stop = new AbortController();
  const followed = mirror.follow(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await followed;
  });
  streamOf(opened).open();
  await clock.settle();
  changes.length = 0;
  script.asked.length = 0;
  return opened;
}

function streamOf({ script }: ReturnType<typeof open>): Stream {
  const stream = script.stream();
  if (stream === null) throw new Error("nothing is followed");
  return stream;
}

describe("a mirror", () => {
  it("adds no listener to a signal that as many follow as there are hosts", async () => {
    const { mirror, clock } = open();
    const stop = new AbortController();
    const followed = mirror.follow(stop.signal);
    await clock.settle();
    expect(getEventListeners(stop.signal, "abort")).toEqual([]);
    stop.abort();
    await followed;
  });
});

describe("a mirror before anything was seen", () => {
  it("knows nothing, which is not the same as nothing being there", () => {
    const { mirror } = open();
    expect(mirror.engine()).toEqual({ kind: "unknown", reason: "not asked yet" });
    expect(mirror.silentSinceMs()).toBeNull();
  });

  it("knows after one list, and tells that the host speaks", async () => {
    const { mirror, script, changes, states } = open();
    script.there.set("c1", aContainer("c1"));
    await mirror.refresh();
    expect(mirror.engine()).toMatchObject({ kind: "known", value: { id: "id-of-h1" } });
    expect(states()).toEqual({ c1: "running" });
    expect(mirror.load()).toBe(1);
    expect(changes).toEqual([null]);
  });

  it("is silent from the first look on when that fails", async () => {
    const { mirror, script, clock } = open();
    script.fail("connection refused");
    await mirror.refresh();
    expect(mirror.engine()).toEqual({
      kind: "unknown",
      reason: "the engine of h1 does not answer: connection refused",
    });
    expect(mirror.silentSinceMs()).toBe(clock.steadyMs());
  });
});

describe("a mirror that follows", () => {
  it("lists everything when the stream opens, not before: nothing can be missed in between", async () => {
    const opened = open();
    const stop = new AbortController();
    const followed = opened.mirror.follow(stop.signal);
    await opened.clock.settle();
    expect(opened.script.asked).toEqual([]);
    streamOf(opened).open();
    await opened.clock.settle();
    expect(opened.script.asked).toEqual(["ping", "list"]);
    stop.abort();
    await followed;
  });

  it("believes a death at once, without asking", async () => {
    const opened = await following(aContainer("c1"));
    streamOf(opened).tell("died", aContainer("c1"), { exitCode: 137, atMs: 77 });
    expect(opened.mirror.containers("service web")).toMatchObject([
      { id: "c1", state: "exited", exitCode: 137, finishedAtMs: 77, health: "none", address: null, ports: [] },
    ]);
    expect(opened.changes).toEqual(["service web"]);
    expect(opened.script.asked).toEqual([]);
    expect(opened.mirror.load()).toBe(0);
  });

  it("looks after the death of one that the engine itself starts again", async () => {
    const opened = await following(aContainer("c1", { restartsItself: true }));
    opened.script.there.set("c1", aContainer("c1", { restartsItself: true, state: "restarting" }));
    streamOf(opened).tell("died", aContainer("c1"));
    expect(opened.states()).toEqual({ c1: "running" });
    await opened.clock.settle();
    expect(opened.script.asked).toEqual(["inspect c1"]);
    expect(opened.states()).toEqual({ c1: "restarting" });
  });

  it("looks after the death of one that it did not know", async () => {
    const opened = await following();
    const unknownOne = aContainer("c9", { state: "exited" });
    opened.script.there.set("c9", unknownOne);
    streamOf(opened).tell("died", unknownOne);
    await opened.clock.settle();
    expect(opened.states()).toEqual({ c9: "exited" });
  });

  it("drops what is removed at once", async () => {
    const opened = await following(aContainer("c1"));
    streamOf(opened).tell("removed", aContainer("c1"));
    expect(opened.states()).toEqual({});
    expect(opened.changes).toEqual(["service web"]);
  });

  it.each(["started", "paused", "unpaused", "health", "changed"] as const)("inspects what was %s", async (kind) => {
    const opened = await following();
    opened.script.there.set("c1", aContainer("c1", { health: "healthy" }));
    streamOf(opened).tell(kind, aContainer("c1"));
    await opened.clock.settle();
    expect(opened.script.asked).toEqual(["inspect c1"]);
    expect(opened.states()).toEqual({ c1: "running" });
    expect(opened.changes).toEqual(["service web"]);
  });

  it("listens to no other environment's containers, whatever they are called", async () => {
    const opened = await following();
    opened.script.there.set("c1", aContainer("c1"));
    const labels = { "heal.environment": "test", "heal.service": "web" };
    streamOf(opened).tell("started", aContainer("c1"), { labels });
    await opened.clock.settle();
    expect(opened.script.asked).toEqual([]);
    expect(opened.states()).toEqual({});
  });

  it("listens to the Compose projects that are adopted, and to no others", async () => {
    const opened = await following();
    const inProject = (id: string, project: string): Container =>
      aContainer(id, {
        service: null,
        compose: { project, service: "web", number: 1, workingDirectory: "", configFiles: [] },
      });
    opened.script.there.set("c1", inProject("c1", "shop")).set("c2", inProject("c2", "other"));
    streamOf(opened).tell("started", inProject("c1", "shop"));
    streamOf(opened).tell("started", inProject("c2", "other"));
    await opened.clock.settle();
    expect(opened.mirror.containers("compose shop").map(({ id }) => id)).toEqual(["c1"]);
    expect(opened.script.asked).toEqual(["inspect c1"]);
  });

  it("inspects a container that is told of many times once more at the end, not each time", async () => {
    const opened = await following();
    opened.script.hold("inspect");
    opened.script.there.set("c1", aContainer("c1"));
    for (let times = 0; times < 50; times += 1) streamOf(opened).tell("health", aContainer("c1"));
    expect(opened.script.asked).toEqual(["inspect c1"]);
    opened.script.there.set("c1", aContainer("c1", { health: "unhealthy" }));
    opened.script.waiting()[0]?.answerAsAsked();
    await opened.clock.settle();
    expect(opened.script.asked).toEqual(["inspect c1", "inspect c1"]);
    opened.script.letGo("inspect");
    await opened.clock.settle();
    expect(opened.mirror.containers("service web")).toMatchObject([{ health: "unhealthy" }]);
  });
});

describe("events that race with looks", () => {
  it("a death that is told during an inspection stands", async () => {
    const opened = await following(aContainer("c1"));
    opened.script.hold("inspect");
    streamOf(opened).tell("health", aContainer("c1"));
    streamOf(opened).tell("died", aContainer("c1"));
    opened.script.waiting()[0]?.answerAsAsked();
    await opened.clock.settle();
    expect(opened.states()).toEqual({ c1: "exited" });
  });

  it("a removal that is told during a list stands", async () => {
    const opened = await following(aContainer("c1"));
    opened.script.hold("list");
    const refreshed = opened.mirror.refresh();
    opened.script.there.delete("c1");
    streamOf(opened).tell("removed", aContainer("c1"));
    opened.script.waiting()[0]?.answerAsAsked();
    await refreshed;
    expect(opened.states()).toEqual({});
  });

  it("a start that is told during a list stands", async () => {
    const opened = await following();
    opened.script.hold("list");
    const refreshed = opened.mirror.refresh();
    opened.script.there.set("c1", aContainer("c1"));
    streamOf(opened).tell("started", aContainer("c1"));
    await opened.clock.settle();
    opened.script.waiting()[0]?.answerAsAsked();
    await refreshed;
    expect(opened.states()).toEqual({ c1: "running" });
  });

  it("events before the first list is there are not lost", async () => {
    const opened = open();
    opened.script.there.set("c1", aContainer("c1"));
    opened.script.hold("list");
    const stop = new AbortController();
    const followed = opened.mirror.follow(stop.signal);
    streamOf(opened).open();
    streamOf(opened).tell("removed", aContainer("c1"));
    await opened.clock.settle();
    opened.script.waiting()[0]?.answerAsAsked();
    await opened.clock.settle();
    expect(opened.states()).toEqual({});
    stop.abort();
    await followed;
  });

  it("a list that still calls running what has died makes for an inspection", async () => {
    const opened = await following(aContainer("c1"));
    streamOf(opened).tell("died", aContainer("c1"));
    opened.script.hold("inspect");
    await opened.mirror.refresh();
    expect(opened.states()).toEqual({ c1: "exited" });
    opened.script.there.set("c1", aContainer("c1", { state: "exited" }));
    opened.script.letGo("inspect");
    await opened.clock.settle();
    expect(opened.states()).toEqual({ c1: "exited" });
  });
});

describe("a mirror whose engine falls silent", () => {
  it("is silent at once when the stream breaks, and keeps what it saw last", async () => {
    const opened = await following(aContainer("c1"));
    await opened.clock.advance(500);
    streamOf(opened).end("connection reset");
    await opened.clock.settle();
    expect(opened.mirror.engine()).toEqual({
      kind: "unknown",
      reason: "the engine of h1 does not answer: connection reset",
    });
    expect(opened.mirror.silentSinceMs()).toBe(opened.clock.steadyMs() - 500);
    expect(opened.states()).toEqual({ c1: "running" });
    expect(opened.mirror.swarmNodeId()).toBe("node-of-h1");
    expect(opened.changes).toEqual([null]);
  });

  it("asks every second whether it is still there, and is silent at the first failure", async () => {
    const opened = await following();
    const heardMs = opened.clock.steadyMs();
    await opened.clock.advance(1_000);
    expect(opened.script.asked).toEqual(["ping"]);
    opened.script.fail("timeout");
    await opened.clock.advance(1_000);
    expect(opened.mirror.silentSinceMs()).toBe(heardMs + 1_000);
    expect(opened.mirror.engine().kind).toBe("unknown");
  });

  it("does not wait for an answer for longer than two seconds", async () => {
    const opened = await following();
    opened.script.hold("ping");
    await opened.clock.advance(2_999);
    expect(opened.mirror.engine().kind).toBe("known");
    await opened.clock.advance(1);
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown" });
  });

  it("counts its silence from an answer that came too late: who answers slowly is not lost (simulator seed 4)", async () => {
    const opened = await following();
    opened.script.hold("ping");
    await opened.clock.advance(3_000);
    await opened.clock.advance(6_000);
    opened.script.waiting()[0]?.answerAsAsked();
    await opened.clock.settle();
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown" });
    expect(opened.mirror.silentSinceMs()).toBe(opened.clock.steadyMs());
  });

  it("is overdue when it was asked and has not answered for a second and a half, and given up, silent since it last did", async () => {
    const opened = await following();
    const heardMs = opened.clock.steadyMs();
    opened.script.hold("ping");
    await opened.clock.advance(1_500);
    expect(opened.mirror.isOverdue()).toBe(false);
    await opened.clock.advance(1);
    expect(opened.mirror.isOverdue()).toBe(true);
    opened.mirror.giveUp("it is dead");
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown", reason: expect.stringContaining("it is dead") });
    expect(opened.mirror.silentSinceMs()).toBe(heardMs);
    expect(opened.mirror.isOverdue()).toBe(false);
    opened.script.letGo("ping");
    await opened.clock.settle();
    expect(opened.mirror.engine().kind).toBe("unknown");
  });

  it("is not overdue while it answers", async () => {
    const opened = await following();
    await opened.clock.advance(10_000);
    expect(opened.mirror.isOverdue()).toBe(false);
  });

  it("speaks again after a whole list, not after a ping", async () => {
    const opened = await following();
    streamOf(opened).end();
    await opened.clock.settle();
    opened.script.hold("list");
    const probed = opened.mirror.probe();
    await opened.clock.settle();
    expect(opened.mirror.engine().kind).toBe("unknown");
    opened.script.letGo("list");
    await probed;
    expect(opened.mirror.engine().kind).toBe("known");
    expect(opened.mirror.silentSinceMs()).toBeNull();
    expect(opened.changes).toEqual([null, null]);
  });

  it("does not speak by a list that was begun before it fell silent", async () => {
    const opened = await following();
    opened.script.hold("list");
    const refreshed = opened.mirror.refresh();
    streamOf(opened).end();
    await opened.clock.settle();
    opened.script.waiting()[0]?.answerAsAsked();
    await refreshed;
    expect(opened.mirror.engine().kind).toBe("unknown");
  });

  it("follows anew, and finds what it has missed", async () => {
    const opened = await following(aContainer("c1"));
    streamOf(opened).end();
    await opened.clock.settle();
    opened.script.there.delete("c1");
    opened.script.there.set("c2", aContainer("c2"));
    await opened.clock.advance(100);
    streamOf(opened).open();
    await opened.clock.settle();
    expect(opened.states()).toEqual({ c2: "running" });
    expect(opened.mirror.engine().kind).toBe("known");
  });

  it("does not hammer an engine whose stream ends again and again", async () => {
    const opened = await following();
    let streams = 0;
    for (let elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 50) {
      const stream = opened.script.stream();
      if (stream !== null) {
        streams += 1;
        stream.end();
      }
      await opened.clock.advance(50);
    }
    expect(streams).toBeLessThan(12);
  });

  it("gives up a stream that does not open", async () => {
    const opened = open();
    const stop = new AbortController();
    const followed = opened.mirror.follow(stop.signal);
    await opened.clock.advance(10_000);
    expect(opened.mirror.engine()).toMatchObject({ reason: expect.stringContaining("does not open") });
    stop.abort();
    await followed;
  });

  it("is silent when an inspection fails, and recovers by itself", async () => {
    const opened = await following();
    opened.script.hold("inspect");
    streamOf(opened).tell("started", aContainer("c1"));
    opened.script.waiting()[0]?.fail();
    await opened.clock.settle();
    expect(opened.mirror.engine().kind).toBe("unknown");
    opened.script.there.set("c1", aContainer("c1"));
    await opened.clock.advance(1_000);
    expect(opened.states()).toEqual({ c1: "running" });
    expect(opened.mirror.engine().kind).toBe("known");
  });

  it("asks a silent engine nothing for a single service", async () => {
    const opened = await following();
    opened.script.fail("timeout");
    streamOf(opened).end();
    await opened.clock.settle();
    opened.script.asked.length = 0;
    await opened.mirror.refreshService({ ...everything, service: "web" }, ["service web"]);
    expect(opened.script.asked).toEqual([]);
  });

  it("ends when it is told to, and asks nothing afterwards", async () => {
    const opened = open();
    const stop = new AbortController();
    const followed = opened.mirror.follow(stop.signal);
    streamOf(opened).open();
    await opened.clock.settle();
    stop.abort();
    await followed;
    opened.script.asked.length = 0;
    await opened.clock.advance(60_000);
    expect(opened.script.asked).toEqual([]);
    expect(opened.mirror.engine().kind).toBe("known");
  });
});

describe("a look at one service", () => {
  it("replaces what was filed of it, and nothing else", async () => {
    const opened = await following(aContainer("c1"), aContainer("c2", { service: "api" }));
    opened.script.there.clear();
    opened.script.there.set("c3", aContainer("c3"));
    await opened.mirror.refreshService({ ...everything, service: "web" }, ["service web"]);
    expect(opened.script.asked.toSorted()).toEqual(["list web", "ping"]);
    expect(opened.states()).toEqual({ c3: "running" });
    expect(opened.mirror.containers("service api")).toHaveLength(1);
  });

  it("makes the host silent when it fails", async () => {
    const opened = await following();
    opened.script.hold("list");
    const looked = opened.mirror.refreshService({ ...everything, service: "web" }, ["service web"]);
    opened.script.waiting()[0]?.fail("no answer within 10 s");
    await looked;
    expect(opened.mirror.engine()).toMatchObject({ reason: expect.stringContaining("no answer within 10 s") });
  });
});
