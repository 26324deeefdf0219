import { describe, expect, it } from "vitest";
import { channelsInstead, channelsToTell, isQuiet } from "../../../src/report/alerts/routing.ts";
import { aCondition, aRoute, NIGHT_MS, rules } from "./builders.ts";

const night = { fromMinute: 22 * 60, toMinute: 7 * 60, timezone: "UTC" };
const shop = aRoute({ critical: ["shop-chat"], warning: ["shop-chat"], fallback: [] });
const present = (some = rules({}, { shop })) => ({ nowMs: 0, wallMs: NIGHT_MS, rules: some, silences: [] });

describe("routes", () => {
  it("give channels by severity", () => {
    expect(channelsToTell(aCondition(), present())).toEqual(["mail", "sms"]);
    expect(channelsToTell(aCondition("live/surplus/web", { severity: "warning" }), present())).toEqual(["mail"]);
  });

  it("of several services are all told, each channel once", () => {
    expect(
      channelsToTell(aCondition("live/host-lost/h2", { routes: ["default", "shop", "default"] }), present()),
    ).toEqual(["mail", "sms", "shop-chat"]);
  });

  it("that the settings do not have fall back to the default one", () => {
    expect(channelsToTell(aCondition("live/surplus/web", { routes: ["gone"] }), present())).toEqual(["mail", "sms"]);
  });

  it("in their quiet hours leave warnings to the others", () => {
    const some = rules({ quietHours: night }, { shop });
    const warning = aCondition("live/surplus/web", { severity: "warning", routes: ["default", "shop"] });
    expect(channelsToTell(warning, present(some))).toEqual(["shop-chat"]);
    expect(channelsToTell({ ...warning, severity: "critical" }, present(some))).toEqual(["mail", "sms", "shop-chat"]);
  });

  it("stand in for a broken channel by their fallback, then by whatever is told of critical alerts, at last by the default route's", () => {
    expect(channelsInstead(aCondition("live/surplus/web", { routes: ["shop"] }), rules({}, { shop }))).toEqual([
      "chat",
      "shop-chat",
      "mail",
      "sms",
    ]);
  });
});

describe("quiet hours", () => {
  const at = (time: string) => Date.parse(`2024-03-10T${time}:00Z`);

  it.each([
    ["before", "21:59", false],
    ["at their beginning", "22:00", true],
    ["past midnight", "03:12", true],
    ["at their end", "07:00", false],
  ])("over midnight: %s", (_when, time, quiet) => {
    expect(isQuiet(night, at(time))).toBe(quiet);
  });

  it.each([
    ["12:59", false],
    ["13:00", true],
    ["14:00", false],
  ])("within a day: %s", (time, quiet) => {
    expect(isQuiet({ fromMinute: 13 * 60, toMinute: 14 * 60, timezone: "UTC" }, at(time))).toBe(quiet);
  });

  it("of no length are never", () => {
    expect(isQuiet({ fromMinute: 60, toMinute: 60, timezone: "UTC" }, at("01:00"))).toBe(false);
  });

  it("follow their own time zone, through the change of summer time too", () => {
    const newYork = { ...night, timezone: "America/New_York" };
    // 10 March 2024: at 07:00 UTC two o'clock became three.
    expect(isQuiet(newYork, at("10:30"))).toBe(true); // 06:30
    expect(isQuiet(newYork, at("11:30"))).toBe(false); // 07:30
  });
});
