import { describe, expect, it } from "vitest";
import { aContainer, everything, following, open, streamOf } from "./support/followed-mirror.ts";

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

  it("is asked over new connections as well when it takes long, and one answer is enough", async () => {
    const opened = await following();
    opened.script.hold("ping");
    opened.script.hold("ping anew");
    await opened.clock.advance(1_499);
    expect(opened.script.asked).toEqual(["ping"]);
    await opened.clock.advance(251);
    expect(opened.script.asked).toEqual(["ping", "ping anew", "ping anew"]);
    opened.script.waiting()[2]?.answerNow();
    await opened.clock.advance(1_249);
    expect(opened.mirror.engine().kind).toBe("known");
    expect(opened.mirror.isOverdue()).toBe(false);
    expect(opened.script.asked).toEqual(["ping", "ping anew", "ping anew", "ping"]);
    expect(opened.changes).toEqual([]);
    opened.script.letGo("ping");
  });

  it("is silent when its first question fails, whatever becomes of those over new connections", async () => {
    const opened = await following();
    opened.script.hold("ping");
    opened.script.hold("ping anew");
    await opened.clock.advance(1_600);
    opened.script.waiting()[1]?.fail();
    await opened.clock.settle();
    expect(opened.mirror.engine().kind).toBe("known");
    opened.script.waiting()[0]?.fail();
    await opened.clock.settle();
    expect(opened.mirror.engine().kind).toBe("unknown");
  });

  it("does not wait for an answer for longer than two seconds", async () => {
    const opened = await following();
    opened.script.hold("ping");
    opened.script.hold("ping anew");
    await opened.clock.advance(2_999);
    expect(opened.mirror.engine().kind).toBe("known");
    await opened.clock.advance(1);
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown" });
  });

  it("counts its silence from an answer that came too late: who answers slowly is not lost (simulator seed 4)", async () => {
    const opened = await following();
    opened.script.hold("ping");
    opened.script.hold("ping anew");
    await opened.clock.advance(3_000);
    await opened.clock.advance(6_000);
    opened.script.waiting()[0]?.answerAsAsked();
    await opened.clock.settle();
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown" });
    expect(opened.mirror.silentSinceMs()).toBe(opened.clock.steadyMs());
  });

  it("counts it from a look at one container that came too late as well (simulator seed 961133)", async () => {
    const opened = await following(aContainer("c1"));
    opened.script.hold("inspect");
    streamOf(opened).tell("health", aContainer("c1"));
    await opened.clock.settle();
    streamOf(opened).end();
    await opened.clock.advance(6_000);
    opened.script.waiting()[0]?.answerAsAsked();
    await opened.clock.settle();
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown" });
    expect(opened.mirror.silentSinceMs()).toBe(opened.clock.steadyMs());
  });

  it("counts it from the opening of a stream, whatever comes of what is asked then (simulator seed 961133)", async () => {
    const opened = await following();
    opened.script.hold("list");
    streamOf(opened).end();
    await opened.clock.advance(6_000);
    streamOf(opened).open();
    await opened.clock.settle();
    expect(opened.mirror.engine()).toMatchObject({ kind: "unknown" });
    expect(opened.mirror.silentSinceMs()).toBe(opened.clock.steadyMs());
  });

  it("is overdue when it was asked and has not answered for a second and a half, and given up, silent since it last did", async () => {
    const opened = await following();
    const heardMs = opened.clock.steadyMs();
    opened.script.hold("ping");
    opened.script.hold("ping anew");
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
