import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { Container } from "../../src/model/instance.ts";
import { aContainer, everything, following, open, streamOf } from "./support/followed-mirror.ts";

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
