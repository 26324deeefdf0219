import { describe, expect, it } from "vitest";
import { conditionsFrom } from "../../../src/report/alerts/conditions.ts";
import { digestMessage, testMessage } from "../../../src/report/alerts/message.ts";
import { aCondition, facts, MINUTE, NIGHT_MS, rules, serviceFacts, sinceMinutes, tooMany } from "./builders.ts";
import { aRun } from "./run.ts";

const context = { environment: "live", wallMs: NIGHT_MS, rules: { timezone: "UTC" } };

function surplusRun() {
  const run = aRun();
  run.nowMs = NIGHT_MS;
  run.wallMs = NIGHT_MS;
  run.holding = conditionsFrom(facts({ services: { web: sinceMinutes(serviceFacts("web", tooMany), 1) } })).holding;
  return run.after(0).after(4 * MINUTE);
}

describe("a message", () => {
  it("says in its title where, how bad, what about and what", () => {
    expect(surplusRun().messages[0]?.message.title).toBe("[heal live] WARNING web: 1 more than asked for (4 of 3)");
  });

  it("says first what is wrong and since when, then what heal does, what the reader can do, and what it rests on", () => {
    const body = surplusRun().messages[0]?.message.body ?? [];
    expect(body.map(({ heading }) => heading)).toEqual(["", "What heal does", "What you can do", "Evidence"]);
    expect(body[0]?.lines).toEqual(["web runs 4 instances, 1 more than the 3 asked for, since 03:11 UTC (5m)."]);
    expect(body[1]?.lines).toEqual(["Stops nothing: which one is too many is for a person to say."]);
    expect(body[2]?.lines[0]).toBe("`heal why web` lists the instances, where they run and who started them.");
  });

  it("says when it is over, how long it lasted and what it was", () => {
    const run = surplusRun();
    run.holding = [];
    run.after(MINUTE).after(2 * MINUTE);
    const message = run.messages[1]?.message;
    expect(message?.title).toBe("[heal live] RESOLVED web: 1 more than asked for (4 of 3)");
    expect(message?.body).toEqual([
      {
        heading: "",
        lines: [
          "It is over. It lasted from 03:11 UTC to 03:17 UTC (6m).",
          "It was: web runs 4 instances, 1 more than the 3 asked for.",
        ],
      },
    ]);
  });

  it("writes times in the reader's zone, and with a date when they are long ago", () => {
    const run = aRun({ ...rules(), timezone: "Asia/Shanghai" });
    run.nowMs = NIGHT_MS;
    run.wallMs = NIGHT_MS;
    run.holding = [aCondition("live/surplus/web", { sinceMs: NIGHT_MS - 20 * 60 * MINUTE, waitMs: 0 })];
    expect(run.after(0).messages[0]?.message.body[0]?.lines[0]).toBe(
      "web has something, since 2023-11-14 15:12 GMT+8 (20h).",
    );
  });

  it("has an id that is never used again, and the same for every try", () => {
    const run = surplusRun();
    run.holding = [];
    run.after(MINUTE).after(2 * MINUTE);
    run.holding = conditionsFrom(facts({ services: { web: serviceFacts("web", tooMany) } })).holding;
    run.after(0).after(4 * MINUTE);
    const ids = run.messages.map(({ message }) => message.id);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(3);
    const deaf = aRun(rules({ fallback: [], critical: [] }));
    deaf.deaf.add("mail");
    deaf.holding = [aCondition("live/surplus/web", { severity: "warning", waitMs: 0 })];
    const sequences = [0, 1, 2].map(
      () => deaf.after(MINUTE).state.alerts["live/surplus/web"]?.channels["mail"]?.owed?.sequence,
    );
    expect(new Set(sequences).size).toBe(1);
  });
});

describe("a digest", () => {
  const messages = ["a", "b", "c"].map((name) => {
    const run = aRun();
    run.holding = [aCondition(`live/below-count/${name}`, { waitMs: 0 })];
    const [firing] = run.after(0).messages;
    if (firing === undefined) throw new Error("nothing was sent");
    return firing.message;
  });

  it("has one line for each message, none left out", () => {
    const [first, ...rest] = messages;
    const over = { ...first!, state: "resolved" as const, title: "[heal live] RESOLVED a: something" };
    const digest = digestMessage([over, ...rest], context);
    expect(digest.title).toBe("[heal live] CRITICAL 3 alerts at once: 2 firing, 1 over");
    expect(digest.body.slice(1, 3)).toEqual([
      { heading: "Firing", lines: ["CRITICAL b: something", "CRITICAL c: something"] },
      { heading: "Over", lines: ["RESOLVED a: something"] },
    ]);
    expect(digest).toMatchObject({ state: "firing", severity: "critical", services: ["a", "b", "c"] });
  });

  it("of ends only is an end itself", () => {
    const over = messages.map((one) => ({ ...one, state: "resolved" as const }));
    expect(digestMessage(over, context)).toMatchObject({
      state: "resolved",
      title: "[heal live] RESOLVED 3 alerts at once: 3 over",
    });
  });
});

it("the message of a test says that nothing is wrong", () => {
  const message = testMessage("ops-mail", context);
  expect(message.title).toBe("[heal live] TEST ops-mail: this is how alerts arrive");
  expect(message.body[0]?.lines[0]).toBe("Someone ran `heal alert test ops-mail` at 03:12 UTC. Nothing is wrong.");
});
