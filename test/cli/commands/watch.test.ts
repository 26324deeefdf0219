import { expect, it } from "vitest";
import { NotLeader } from "../../../src/ports/controller.ts";
import { fakeController } from "../support/fake-controller.ts";
import { aPassReport, aServicePlan, aStart } from "../support/reports.ts";
import { runHeal } from "../support/run-heal.ts";
import { aStanding } from "../../builders/standing.ts";

const checks = (...names: string[]) => ({
  readInput: async () => JSON.stringify(names.map((ServiceName) => ({ ServiceName }))),
});

it("nudges the daemon and says nothing", async () => {
  const daemon = fakeController();
  const { code, out, err } = await runHeal(["watch"], { daemon, terminal: checks("web", "web") });
  expect([code, out, err]).toEqual([0, "", ""]);
  expect(daemon.calls).toEqual([["nudge", ["web"]]]);
});

it("without a daemon looks at the services that it is about, and says nothing when nothing was to be done", async () => {
  const oneShot = fakeController();
  const { code, out, err } = await runHeal(["watch"], { oneShot, terminal: checks("web") });
  expect([code, out, err]).toEqual([0, "", ""]);
  expect([oneShot.calls, oneShot.closed()]).toEqual([[["pass", ["web"], null]], 1]);
});

it("looks at everything when a name is nobody's: it may be what a service is called in Consul", async () => {
  const oneShot = fakeController();
  await runHeal(["watch"], { oneShot, terminal: checks("web", "web-in-consul") });
  expect(oneShot.calls).toEqual([["pass", [], null]]);
});

it("tells what it did, and exits as the services stand then", async () => {
  const action = aStart("web", 2, 4, "h1");
  const standing = aStanding("web", { status: 2, healthy: 2, summary: "2/3 healthy: 1 missing" });
  const report = aPassReport(
    [aServicePlan(standing, { waves: [[action]] })],
    [{ kind: "done", action, tookMs: 233, note: null }],
    [standing],
  );
  const oneShot = fakeController({ pass: async () => report });
  const { code, out } = await runHeal(["watch"], { oneShot, terminal: checks("web") });
  expect([code, out.split("\n")[1]]).toEqual([2, "    done start heal.live.web.2.4 on h1 (233ms)"]);
});

it("leaves it to whoever holds the lock", async () => {
  const oneShot = fakeController({ pass: async () => Promise.reject(new NotLeader("h2 leads")) });
  const { code, out, err } = await runHeal(["watch"], { oneShot, terminal: checks("web") });
  expect([code, out, err]).toEqual([0, "", ""]);
});

it("never takes its input for a command or for more than a hint", async () => {
  for (const text of [
    "",
    "null",
    "\u0000",
    "{",
    '{"__proto__":{"x":1}}',
    '"; rm -rf /"',
    "[".repeat(100_000),
    '[{"ServiceName":"--dry-run"}]',
  ]) {
    const oneShot = fakeController();
    const { code, out } = await runHeal(["watch"], { oneShot, terminal: { readInput: async () => text } });
    expect([text.slice(0, 30), code, out, oneShot.calls]).toEqual([text.slice(0, 30), 0, "", [["pass", [], null]]]);
  }
});

it("started by hand says what it is for", async () => {
  const { code, err } = await runHeal(["watch"], { terminal: { inputIsTerminal: true } });
  expect([code, err]).toEqual([
    64,
    "heal: heal watch reads what Consul writes to a watch handler\n      to look by hand use `heal`\n",
  ]);
});
