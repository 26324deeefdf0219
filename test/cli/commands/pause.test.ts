import { describe, expect, it } from "vitest";
import { fakeController } from "../support/fake-controller.ts";
import { runHeal } from "../support/run-heal.ts";

describe("heal pause", () => {
  it("hands a time and a reason on", async () => {
    const daemon = fakeController();
    const { code, out } = await runHeal(["pause", "web", "--for", "1h30m", "--why", "upgrade"], { daemon });
    expect([code, out]).toEqual([0, "web is paused for 1h30m\n"]);
    expect(daemon.calls).toEqual([["pause", "web", { forMs: 5_400_000, why: "upgrade" }]]);
  });

  it("lasts until heal resume when no time is given", async () => {
    const daemon = fakeController();
    const { out } = await runHeal(["pause", "web"], { daemon });
    expect(out).toBe("web is paused until `heal resume`\n");
    expect(daemon.calls).toEqual([["pause", "web", { forMs: null, why: "no reason given" }]]);
  });

  it.each(["an hour", "1h30", "-1h", "0s", ""])("refuses %j as a duration before anything is asked", async (text) => {
    const daemon = fakeController();
    const { code, err } = await runHeal(["pause", "web", `--for=${text}`], { daemon });
    expect([code, err]).toEqual([64, `heal: "${text}" is no duration\n      such as 90s, 30m, 1h, 1h30m or 2d\n`]);
    expect(daemon.calls).toEqual([]);
  });

  it("tells what it did as JSON", async () => {
    const { out } = await runHeal(["pause", "web", "--for", "1h", "--json"]);
    expect(JSON.parse(out)).toEqual({
      version: 1,
      environment: "live",
      service: "web",
      paused: true,
      forMs: 3_600_000,
      why: "no reason given",
    });
  });
});

it("heal resume ends it", async () => {
  const daemon = fakeController();
  const { code, out } = await runHeal(["resume", "web"], { daemon });
  expect([code, out, daemon.calls]).toEqual([0, "web is healed again\n", [["resume", "web"]]]);
});

it.each(["pause", "resume"])("heal %s suggests the service that was meant", async (command) => {
  const daemon = fakeController();
  const { code, err } = await runHeal([command, "wbe"], { daemon });
  expect([code, err]).toEqual([64, 'heal: the desired state has no service "wbe"\n      did you mean web?\n']);
  expect(daemon.calls).toEqual([]);
});
