import { describe, expect, it } from "vitest";
import { aCondition, aRoute, HOUR, MINUTE, rules, SECOND } from "./builders.ts";
import { aRun } from "./run.ts";

const surplus = aCondition("live/surplus/web", { severity: "warning" });
const below = aCondition("live/below-count/web", { causes: ["live/host-lost/h2"] });
const hostLost = aCondition("live/host-lost/h2", { services: ["web"] });

describe("an alert", () => {
  it("waits before it fires, tells every channel of its route once, and says when it is over", () => {
    const run = aRun();
    run.holding = [below];
    run.during(20 * SECOND);
    expect(run.taken).toEqual([]);
    run.during(5 * MINUTE);
    expect(run.taken).toEqual(["mail firing live/below-count/web", "sms firing live/below-count/web"]);
    run.holding = [];
    run.during(5 * MINUTE);
    expect(run.taken.slice(2)).toEqual(["mail resolved live/below-count/web", "sms resolved live/below-count/web"]);
  });

  it("is never spoken of when it came and went within its wait", () => {
    const run = aRun();
    run.holding = [below];
    run.during(20 * SECOND);
    run.holding = [];
    run.during(HOUR);
    expect(run.taken).toEqual([]);
    expect(run.state.alerts).toEqual({});
  });

  it("waits as long as its condition asks for, if that asks for anything", () => {
    const run = aRun();
    run.holding = [{ ...surplus, waitMs: 0 }];
    expect(run.after(0).taken).toEqual(["mail firing live/surplus/web"]);
  });

  it("is repeated after the repeat interval and not before", () => {
    const run = aRun();
    run.holding = [surplus];
    run.during(4 * HOUR, MINUTE);
    expect(run.taken).toHaveLength(1);
    run.during(2 * MINUTE, MINUTE);
    expect(run.taken).toEqual(["mail firing live/surplus/web", "mail firing live/surplus/web"]);
    expect(run.messages[1]?.message.body[0]?.lines).toContain("You were told of this before; it goes on.");
  });

  it("tells more channels, and the old one again, when a warning becomes critical; and nothing when it calms down", () => {
    const run = aRun();
    run.holding = [surplus];
    run.during(MINUTE);
    run.holding = [{ ...surplus, severity: "critical" }];
    run.during(MINUTE);
    run.holding = [surplus];
    run.during(MINUTE);
    run.holding = [{ ...surplus, severity: "critical" }];
    run.during(MINUTE);
    expect(run.taken).toEqual([
      "mail firing live/surplus/web",
      "mail firing live/surplus/web",
      "sms firing live/surplus/web",
    ]);
  });

  it("is not over while nobody can tell", () => {
    const run = aRun();
    run.holding = [below];
    run.during(MINUTE);
    run.holding = [];
    run.unclear = [below.key];
    run.during(HOUR);
    expect(run.taken.filter((line) => line.includes("resolved"))).toEqual([]);
    run.unclear = [];
    run.during(5 * MINUTE);
    expect(run.taken.filter((line) => line.includes("resolved"))).toHaveLength(2);
  });

  it("does not end for a gap shorter than the wait", () => {
    const run = aRun();
    for (let round = 0; round < 20; round += 1) {
      run.holding = [surplus];
      run.during(MINUTE);
      run.holding = [];
      run.during(20 * SECOND);
    }
    expect(run.taken).toEqual(["mail firing live/surplus/web"]);
  });

  it("is damped when it flaps: few messages for an hour of coming and going, and the last one says that it is over", () => {
    const run = aRun();
    for (let round = 0; round < 30; round += 1) {
      run.holding = [surplus];
      run.during(MINUTE);
      run.holding = [];
      run.during(MINUTE);
    }
    run.during(HOUR);
    // Undamped there would be sixty.
    expect(run.taken.length).toBeLessThanOrEqual(8);
    expect(run.taken.at(-1)).toContain("resolved");
    expect(run.messages.at(-2)?.message.body[0]?.lines.join()).toMatch(/come and gone \d times within the hour/);
  });

  it("keeps a bounded memory that ends with it", () => {
    const run = aRun();
    run.holding = [surplus];
    run.during(MINUTE);
    run.holding = [];
    run.during(3 * HOUR, MINUTE);
    expect(run.state.alerts).toEqual({});
  });
});

describe("a cause", () => {
  it("speaks for its effects: one alert for a host's death, and one when it is over", () => {
    const run = aRun();
    const effects = Array.from({ length: 40 }, (_, index) =>
      aCondition(`live/below-count/s${index}`, { causes: [hostLost.key] }),
    );
    run.holding = [hostLost, ...effects];
    run.during(10 * MINUTE);
    run.holding = [];
    run.during(10 * MINUTE);
    expect(run.taken).toEqual([
      "mail firing live/host-lost/h2",
      "sms firing live/host-lost/h2",
      "mail resolved live/host-lost/h2",
      "sms resolved live/host-lost/h2",
    ]);
  });

  it("holds effects back while it waits itself, and gives them their whole wait when it is gone", () => {
    const run = aRun();
    run.holding = [{ ...hostLost, waitMs: HOUR }, below];
    run.during(5 * MINUTE);
    expect(run.taken).toEqual([]);
    run.holding = [below];
    run.during(20 * SECOND);
    expect(run.taken).toEqual([]);
    run.during(MINUTE);
    expect(run.taken).toEqual(["mail firing live/below-count/web", "sms firing live/below-count/web"]);
  });

  it("that appears after its effect has been told keeps that from being repeated, and its end is told", () => {
    const run = aRun();
    run.holding = [below];
    run.during(MINUTE);
    run.holding = [below, hostLost];
    run.during(9 * HOUR, MINUTE);
    run.holding = [];
    run.during(5 * MINUTE);
    expect(run.taken.filter((line) => line.includes("below-count"))).toEqual([
      "mail firing live/below-count/web",
      "sms firing live/below-count/web",
      "mail resolved live/below-count/web",
      "sms resolved live/below-count/web",
    ]);
  });
});

describe("a channel that takes nothing", () => {
  it("is stood in for by the next one, with the reason, and is told when it is back", () => {
    const run = aRun();
    run.deaf.add("mail");
    run.holding = [surplus];
    run.during(MINUTE);
    expect(run.taken).toEqual(["chat firing live/surplus/web"]);
    expect(run.messages[0]?.message.body[0]?.lines).toContain(
      "You get this because the channel mail does not take messages (connection refused).",
    );
    run.deaf.clear();
    run.during(MINUTE);
    expect(run.taken).toEqual(["chat firing live/surplus/web", "mail firing live/surplus/web"]);
    run.holding = [];
    run.during(5 * MINUTE);
    expect(run.taken.slice(2).sort()).toEqual(["chat resolved live/surplus/web", "mail resolved live/surplus/web"]);
  });

  it("is stood in for by channels in turn, as long as there is one that does not know", () => {
    const run = aRun();
    for (const name of ["mail", "chat"]) run.deaf.add(name);
    run.holding = [surplus];
    run.during(2 * MINUTE);
    // The fallback is broken too, so the channels of the route's critical alerts are next.
    expect(run.taken).toEqual(["sms firing live/surplus/web"]);
  });

  it("is stood in for again whenever it would be told again", () => {
    const run = aRun();
    run.deaf.add("mail");
    run.holding = [surplus];
    run.during(9 * HOUR, MINUTE);
    expect(run.taken).toEqual(Array.from({ length: 3 }, () => "chat firing live/surplus/web"));
  });

  it("learns of an alert that has come and gone meanwhile from its end", () => {
    const run = aRun(rules({ fallback: [], critical: ["mail"] }));
    run.deaf.add("mail");
    run.holding = [surplus];
    run.during(MINUTE);
    run.holding = [];
    run.during(HOUR);
    run.deaf.clear();
    run.during(MINUTE);
    expect(run.taken).toEqual(["mail resolved live/surplus/web"]);
    expect(run.messages[0]?.message.body[0]?.lines.at(-1)).toBe(
      "While it lasted this channel did not take the message about it.",
    );
  });

  it("is not told of an end that is not true any more", () => {
    const run = aRun(rules({ fallback: [], critical: ["mail"] }));
    run.holding = [surplus];
    run.during(MINUTE);
    run.deaf.add("mail");
    run.holding = [];
    run.during(5 * MINUTE);
    run.holding = [surplus];
    run.during(5 * MINUTE);
    run.deaf.clear();
    run.during(10 * MINUTE);
    expect(run.taken).toEqual(["mail firing live/surplus/web"]);
  });

  it("that the settings do not have any more is owed nothing", () => {
    const run = aRun();
    run.deaf.add("mail");
    run.holding = [surplus];
    run.during(MINUTE);
    run.rules = rules({ warning: ["other"], critical: [], fallback: [] });
    run.during(MINUTE);
    expect(run.taken.at(-1)).toBe("other firing live/surplus/web");
    expect(Object.keys(run.state.alerts[surplus.key]?.channels ?? {})).toEqual(["other"]);
  });
});

describe("more alerts than are told apart", () => {
  const many = Array.from({ length: 300 }, (_, index) => aCondition(`live/below-count/s${index}`, { sinceMs: index }));

  it("are counted by one that stands for the rest", () => {
    const run = aRun();
    run.holding = many;
    run.during(MINUTE);
    const told = run.taken.filter((line) => line.startsWith("mail"));
    expect(told).toHaveLength(51);
    expect(run.messages.find(({ key }) => key === "live/overflow/alerts")?.message.title).toBe(
      "[heal live] CRITICAL 250 more alerts than are told one by one",
    );
    run.holding = [];
    run.during(5 * MINUTE);
    expect(run.taken.filter((line) => line.startsWith("mail resolved"))).toHaveLength(51);
  });

  it("fit into one key of Consul's store, even with the longest texts and all channels broken", () => {
    const wide = "网".repeat(85);
    const worst = many.map((one, index) => ({
      ...one,
      key: `live/below-count/${wide.slice(0, 10)}${index}`,
      services: Array.from({ length: 40 }, () => wide.slice(0, 16)),
      routes: ["default"],
      summary: wide.slice(0, 40),
      what: wide,
      doing: wide,
      advice: Array.from({ length: 4 }, () => wide.slice(0, 66)),
      evidence: Array.from({ length: 8 }, () => wide.slice(0, 66)),
    }));
    const channels = ["a", "b", "c", "d", "e", "f"];
    const run = aRun({ routes: { default: aRoute({ critical: channels, fallback: [] }) }, timezone: "UTC" });
    for (const name of channels) run.deaf.add(name);
    for (let round = 0; round < 4; round += 1) {
      run.holding = worst.map((one) => ({ ...one, key: `${one.key}-${round}` }));
      run.after(0).after(MINUTE);
      run.holding = [];
      run.after(MINUTE).after(MINUTE);
    }
    run.holding = worst;
    run.after(0).after(MINUTE);
    expect(Buffer.byteLength(JSON.stringify(run.state))).toBeLessThan(400_000);
  });
});
