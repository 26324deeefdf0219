import { describe, expect, it } from "vitest";
import { noFence } from "../../src/loop/fence.ts";
import { openHistory } from "../../src/loop/history.ts";
import type { HistoryEntry } from "../../src/model/report.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { fakeClock } from "./support/fake-clock.ts";
import { fakeConsul } from "./support/fake-coordination.ts";

function anEntry(what: string, changes: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    at: "2026-01-01T00:00:00.000Z",
    kind: "action",
    what,
    why: "1 missing",
    outcome: "done",
    detail: null,
    ...changes,
  };
}

async function aPlace() {
  const clock = fakeClock();
  const consul = fakeConsul(clock);
  const coordination = consul.processOf("live");
  const holder = { node: "a", processId: 1, version: "0", address: null };
  const session = await coordination.openSession({ holder, checkTtlMs: 1e9, lockDelayMs: 0 });
  const lease = (await session.acquire())!;
  const fence = { lease, mayAct: () => true, assertMayAct: () => "s" };
  return { clock, consul, coordination, fence, history: openHistory(coordination, clock) };
}

describe("history", () => {
  it("is written a moment later, and read by another process", async () => {
    const { clock, coordination, fence, history } = await aPlace();
    history.save(fence, "web", [anEntry("start web")]);
    history.save(fence, "web", [anEntry("start web"), anEntry("stop web")]);
    history.save(fence, "api", [anEntry("start api")]);
    expect(await coordination.loadMemory("history/")).toEqual([]);
    await clock.advance(1_000);
    expect(await openHistory(coordination, clock).load()).toEqual({
      web: [anEntry("start web"), anEntry("stop web")],
      api: [anEntry("start api")],
    });
  });

  it("writes what was saved meanwhile in one transaction per second", async () => {
    const { clock, consul, fence, history } = await aPlace();
    for (let n = 0; n < 40; n += 1) history.save(fence, `s${n}`, [anEntry("x")]);
    await clock.advance(1_500);
    expect(consul.transactions()).toBe(1);
  });

  it("keeps the last fifty, and no text longer than five hundred characters", async () => {
    const { fence, history } = await aPlace();
    const entries = Array.from({ length: 80 }, (_, n) =>
      anEntry(`${n}`, { detail: "y".repeat(5_000), why: "z".repeat(5_000) }),
    );
    history.save(fence, "web", entries);
    await history.flush();
    const kept = (await history.load())["web"]!;
    expect(kept.map(({ what }) => what)).toEqual(entries.slice(-50).map(({ what }) => what));
    expect(kept[0]!.detail).toHaveLength(500);
    expect(kept[0]!.why).toHaveLength(500);
  });

  it("continues over what an earlier process left", async () => {
    const { clock, coordination, fence, history } = await aPlace();
    history.save(fence, "web", [anEntry("old")]);
    await history.flush();
    const next = openHistory(coordination, clock);
    next.save(fence, "web", [anEntry("old"), anEntry("new")]);
    await next.flush();
    expect((await next.load())["web"]).toHaveLength(2);
    next.save(fence, "web", []);
    await next.flush();
    expect(await next.load()).toEqual({});
  });

  it("is tried again when Consul did not take it, or its answer was lost", async () => {
    const { clock, consul, fence, history } = await aPlace();
    consul.fail(new RegistryError("no-leader", "No cluster leader"));
    history.save(fence, "web", [anEntry("a")]);
    await clock.advance(1_100);
    consul.fail(null);
    consul.loseNextAnswer();
    await clock.advance(5_000);
    history.save(fence, "web", [anEntry("a"), anEntry("b")]);
    await clock.advance(12_000);
    expect((await history.load())["web"]).toHaveLength(2);
  });

  it("is not written by who does not lead any more", async () => {
    const { clock, consul, history } = await aPlace();
    history.save(noFence("lost"), "web", [anEntry("a")]);
    await clock.advance(60_000);
    expect(consul.transactions()).toBe(0);
  });

  it("leaves out what it cannot read", async () => {
    const { consul, history } = await aPlace();
    consul.writeKey("live", "history/web", "{{");
    consul.writeKey("live", "history/api", JSON.stringify([anEntry("a"), { at: 5 }, null, "x"]));
    consul.writeKey("live", "history/db", '{"a":1}');
    expect(await history.load()).toEqual({ web: [], api: [anEntry("a")], db: [] });
  });
});
