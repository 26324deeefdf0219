import { describe, expect, it } from "vitest";
import {
  addSilence,
  emptyAlertState,
  endSilence,
  ownAlerts,
  readAlertState,
} from "../../../src/report/alerts/state.ts";
import { aCondition, HOUR, MINUTE, rules, SECOND } from "./builders.ts";
import { aRun } from "./run.ts";

const below = aCondition("live/below-count/web");

describe("a saved alert state", () => {
  it("goes on after a restart where it was: neither a second message nor a lost one", () => {
    const run = aRun();
    run.holding = [below];
    run
      .during(MINUTE)
      .restart(10 * SECOND)
      .during(3 * HOUR, MINUTE)
      .restart(2 * MINUTE)
      .during(30 * MINUTE, MINUTE);
    expect(run.taken).toHaveLength(2);
    run.holding = [];
    run.restart().during(MINUTE);
    expect(run.taken.slice(2)).toEqual(["mail resolved live/below-count/web", "sms resolved live/below-count/web"]);
  });

  it("lets a wait go on over a short absence, so that single runs from cron fire too", () => {
    const run = aRun();
    run.holding = [below];
    run.after(0).restart(MINUTE).after(SECOND);
    expect(run.taken).toHaveLength(2);
  });

  it.each([
    ["forward by a year", 365 * 24 * HOUR],
    ["back by a year", -365 * 24 * HOUR],
  ])("does not believe a clock that was set %s meanwhile", (_what, jumpMs) => {
    const run = aRun();
    run.holding = [below];
    run
      .during(MINUTE)
      .restart(SECOND, jumpMs)
      .during(3 * HOUR, MINUTE);
    expect(run.taken).toHaveLength(2);
    run.during(2 * HOUR, MINUTE);
    expect(run.taken).toHaveLength(4);
  });

  it("is not touched by a wall clock that jumps while it runs", () => {
    const run = aRun();
    run.holding = [below];
    run.after(0).during(20 * SECOND);
    run.wallMs += 24 * HOUR;
    run.during(5 * SECOND);
    expect(run.taken).toEqual([]);
    run.wallMs -= 48 * HOUR;
    run.during(10 * SECOND);
    expect(run.taken).toHaveLength(2);
  });

  it("is saved again now and then while something is the matter, so that a restart knows its age", () => {
    const run = aRun();
    run.holding = [below];
    run.during(MINUTE);
    const before = run.state;
    expect(run.after(30 * SECOND).state).toBe(before);
    expect(run.after(2 * MINUTE).state).not.toBe(before);
  });

  it("is the same object while nothing is the matter", () => {
    const run = aRun();
    const before = run.state;
    expect(run.during(HOUR).state).toBe(before);
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["a newer version", '{"version":2,"savedAtMs":1,"alerts":{},"silences":[]}'],
    ["missing fields", '{"version":1,"savedAtMs":1}'],
    ["a half alert", '{"version":1,"savedAtMs":1,"alerts":{"a":{"key":"a"}},"silences":[]}'],
    [
      "an alert under another's key",
      JSON.stringify({ version: 1, savedAtMs: 1, silences: [], alerts: { x: oneAlert() } }),
    ],
    [
      "a time that is none",
      JSON.stringify({
        version: 1,
        savedAtMs: 1,
        silences: [],
        alerts: { [below.key]: { ...oneAlert(), pendingSinceMs: "now" } },
      }),
    ],
    [
      "a hostile channel",
      JSON.stringify({
        version: 1,
        savedAtMs: 1,
        silences: [],
        alerts: { [below.key]: { ...oneAlert(), channels: { a: { owed: 5 } } } },
      }),
    ],
    ["a half silence", '{"version":1,"savedAtMs":1,"alerts":{},"silences":[{}]}'],
  ])("is set aside and not guessed at when it holds %s", (_what, text) => {
    expect(readAlertState(text, 5)).toMatchObject({ kind: "unreadable" });
  });

  it("has no age below zero, whatever is written in it", () => {
    const ahead = { ...oneAlert(), pendingSinceMs: 9e15 };
    const read = readAlertState(
      JSON.stringify({ version: 1, savedAtMs: 1, silences: [], alerts: { [below.key]: ahead } }),
      77,
    );
    expect(read.kind === "read" && read.state.alerts[below.key]?.pendingSinceMs).toBe(77);
  });
});

function oneAlert() {
  const run = aRun();
  run.holding = [below];
  const alert = run.after(0).state.alerts[below.key];
  if (alert === undefined) throw new Error("there is no alert");
  return alert;
}

describe("what a daemon told while nobody led", () => {
  const leaderless = aCondition("live/leaderless/live", { services: [] });

  it("is told to be over by the same daemon, and nothing else of its state is", () => {
    const run = aRun();
    run.holding = [leaderless, below];
    run.during(MINUTE);
    run.state = ownAlerts(run.state);
    run.holding = [];
    run.unclear = [below.key];
    run.during(5 * MINUTE);
    expect(run.taken.slice(4).sort()).toEqual([
      "mail resolved live/leaderless/live",
      "sms resolved live/leaderless/live",
    ]);
  });
});

describe("a silence", () => {
  const wish = { subject: "web", forMs: 2 * HOUR, why: "moving racks", by: "ana" };

  it("keeps everybody quiet until it expires, and then tells what is still the matter", () => {
    const run = aRun();
    run.state = addSilence(run.state, wish, run);
    run.holding = [below];
    run.during(2 * HOUR - MINUTE, MINUTE);
    expect(run.taken).toEqual([]);
    run.during(2 * MINUTE);
    expect(run.taken).toHaveLength(2);
    expect(run.state.silences).toEqual([]);
  });

  it("says nothing at all of what came and went within it", () => {
    const run = aRun();
    run.state = addSilence(run.state, wish, run);
    run.holding = [below];
    run.during(HOUR, MINUTE);
    run.holding = [];
    run.during(3 * HOUR, MINUTE);
    expect(run.taken).toEqual([]);
  });

  it("does not hide the end of what was told before it", () => {
    const run = aRun();
    run.holding = [below];
    run.during(MINUTE);
    run.state = addSilence(run.state, wish, run);
    run.holding = [];
    run.during(MINUTE);
    expect(run.taken.filter((line) => line.includes("resolved"))).toHaveLength(2);
  });

  it("is about its own service only, and about an alert only when that is about nothing else", () => {
    const run = aRun();
    run.state = addSilence(run.state, wish, run);
    run.holding = [aCondition("live/below-count/api"), aCondition("live/host-lost/h2", { services: ["web", "api"] })];
    run.during(MINUTE);
    expect(run.taken.filter((line) => line.startsWith("mail"))).toHaveLength(2);
  });

  it("can be about a host", () => {
    const run = aRun();
    run.state = addSilence(run.state, { ...wish, subject: "h2" }, run);
    run.holding = [aCondition("live/host-lost/h2", { services: ["web", "api"] })];
    expect(run.during(HOUR, MINUTE).taken).toEqual([]);
  });

  it("ends when either clock says so: no restart and no set clock makes it longer", () => {
    const run = aRun();
    run.state = addSilence(run.state, wish, run);
    run.holding = [below];
    for (let hour = 0; hour < 4; hour += 1)
      run
        .restart(30 * MINUTE)
        .after(0)
        .after(MINUTE);
    expect(run.taken).toHaveLength(2);
    const other = aRun();
    other.state = addSilence(other.state, wish, other);
    other.holding = [below];
    other.wallMs -= 24 * HOUR;
    expect(other.during(2 * HOUR + MINUTE, MINUTE).taken).toHaveLength(2);
  });

  it("replaces an earlier one of the same service, and can be taken back", () => {
    const now = { nowMs: 5, wallMs: 7 };
    const twice = addSilence(
      addSilence(emptyAlertState(0), wish, now),
      { ...wish, forMs: 1, why: "again\nBcc: x" },
      now,
    );
    expect(twice.silences).toEqual([{ subject: "web", why: "again Bcc: x", by: "ana", untilMs: 6, untilWallMs: 8 }]);
    expect(endSilence(twice, "web", 9).silences).toEqual([]);
  });

  it("is one of a hundred at the most", () => {
    let state = emptyAlertState(0);
    for (let index = 0; index < 300; index += 1)
      state = addSilence(state, { ...wish, subject: `s${index}` }, { nowMs: 1, wallMs: 1 });
    expect(state.silences).toHaveLength(100);
    expect(state.silences.at(-1)?.subject).toBe("s299");
  });
});

describe("quiet hours", () => {
  const night = { fromMinute: 22 * 60, toMinute: 7 * 60, timezone: "Asia/Shanghai" };
  /** 2023-11-14 22:13:20 UTC is 06:13 in Shanghai: 47 minutes before the quiet hours end. */
  const quiet = () => aRun(rules({ quietHours: night }));

  it("let warnings wait for the morning, and tell them then", () => {
    const run = quiet();
    run.holding = [{ ...below, severity: "warning" }];
    run.during(40 * MINUTE, MINUTE);
    expect(run.taken).toEqual([]);
    run.during(10 * MINUTE, MINUTE);
    expect(run.taken).toEqual(["mail firing live/below-count/web"]);
  });

  it("let critical alerts through, and warnings that become critical", () => {
    const run = quiet();
    run.holding = [{ ...below, severity: "warning" }];
    run.during(5 * MINUTE, MINUTE);
    run.holding = [below];
    run.during(MINUTE);
    expect(run.taken).toEqual(["mail firing live/below-count/web", "sms firing live/below-count/web"]);
  });

  it("say nothing of a warning that was over by the morning", () => {
    const run = quiet();
    run.holding = [{ ...below, severity: "warning" }];
    run.during(20 * MINUTE, MINUTE);
    run.holding = [];
    run.during(2 * HOUR, MINUTE);
    expect(run.taken).toEqual([]);
  });

  it("let the end of a warning wait too", () => {
    const run = quiet();
    run.wallMs += 15 * HOUR + 40 * MINUTE; // 21:53 in Shanghai
    run.holding = [{ ...below, severity: "warning" }];
    run.during(2 * MINUTE);
    run.holding = [];
    run.wallMs += 10 * MINUTE;
    run.during(8 * HOUR, MINUTE);
    expect(run.taken).toEqual(["mail firing live/below-count/web"]);
    run.during(90 * MINUTE, MINUTE);
    expect(run.taken).toEqual(["mail firing live/below-count/web", "mail resolved live/below-count/web"]);
  });
});
