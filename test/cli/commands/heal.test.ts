import { describe, expect, it } from "vitest";
import { NotLeader, PlanChanged } from "../../../src/ports/controller.ts";
import { fakeController } from "../support/fake-controller.ts";
import { aHold, aPassReport, aPlanReport, aServicePlan, aStart } from "../support/reports.ts";
import { runHeal } from "../support/run-heal.ts";
import { aStanding } from "../../builders/standing.ts";

const web = aStanding("web", { status: 2, healthy: 1, summary: "1/3 healthy: 2 missing" });
const start = aStart("web", 2, 4, "h1");

describe("heal --dry-run", () => {
  const planned = aPlanReport([
    aServicePlan(web, { waves: [[start]], holds: [aHold("web")] }),
    aServicePlan(aStanding("api")),
  ]);

  it("shows what would be done and why, what is held and why, and how to do exactly this", async () => {
    const oneShot = fakeController({ planNow: async () => planned });
    const { code, out, err } = await runHeal(["--dry-run"], { oneShot });
    expect(out).toBe(
      [
        "web  CRITICAL  1/3 healthy: 2 missing",
        "    would start heal.live.web.2.4 on h1",
        "      because slot 2 has no instance: heal.live.web.2.1 has ended (start-missing)",
        "    held replace-unhealthy: heal.live.web.2.1 on h2 is critical in Consul: HTTP 500 (for 12 s)",
        "      by unhealthy-after: it is replaced when that has lasted 30 s; next look in 18s",
        "api  PASSING   3/3 healthy",
        "",
        "1 action on 1 service, 1 held; nothing has been done",
        "plan 1a2b3c4d5e6f; run `heal --expect 1a2b3c4d5e6f` to do exactly this",
        "",
      ].join("\n"),
    );
    expect([code, err]).toEqual([2, ""]);
    expect(oneShot.calls).toEqual([["planNow", []]]);
    expect(oneShot.closed()).toBe(1);
  });

  it("repeats services, settings and environment in the command that it offers", async () => {
    const oneShot = fakeController({ planNow: async () => planned });
    const { out, choices } = await runHeal(["web", "--dry-run", "--env", "live", "--config", "/etc/heal.json"], {
      oneShot,
    });
    expect(out).toContain("run `heal --config /etc/heal.json --env live web --expect 1a2b3c4d5e6f` to");
    expect(choices).toEqual([{ configPath: "/etc/heal.json", environment: "live" }]);
  });

  it("offers nothing when nothing is to be done", async () => {
    const { code, out } = await runHeal(["--dry-run"]);
    expect([code, out]).toEqual([
      0,
      "web  PASSING   3/3 healthy\napi  PASSING   3/3 healthy\n\nnothing to do for 2 services\n",
    ]);
  });

  it("gives the report as JSON", async () => {
    const { code, out } = await runHeal(["--dry-run", "--json"], {
      oneShot: fakeController({ planNow: async () => planned }),
    });
    expect([code, JSON.parse(out)]).toEqual([2, planned]);
  });

  it("shows only what deserves it among many services", async () => {
    const many = Array.from({ length: 50 }, (_, index) => aServicePlan(aStanding(`s${index}`)));
    const report = aPlanReport([...many, aServicePlan(web, { waves: [[start]] })]);
    const { out } = await runHeal(["--dry-run"], { oneShot: fakeController({ planNow: async () => report }) });
    expect(out).toContain("web  CRITICAL");
    expect(out).not.toContain("s1 ");
    expect(out).toContain("50 more services: passing, nothing to do\n");
  });
});

describe("heal", () => {
  it("tells what was done and what came of it; its exit code is the worst status afterwards", async () => {
    const after = aStanding("web", { status: 2, healthy: 2, summary: "2/3 healthy: 1 missing" });
    const second = aStart("web", 3, 1, "h2");
    const report = aPassReport(
      [aServicePlan(web, { waves: [[start], [second]] })],
      [
        { kind: "done", action: start, tookMs: 233, note: null },
        { kind: "failed", action: second, tookMs: 1_240, message: "no such image: shop/web:1.4.3", retry: "later" },
        { kind: "skipped", action: second, reason: "an earlier wave failed" },
      ],
      [after],
    );
    const daemon = fakeController({ pass: async () => report });
    const { code, out } = await runHeal(["web"], { daemon });
    expect(out).toBe(
      [
        "web  CRITICAL  2/3 healthy: 1 missing",
        "    before: 1/3 healthy: 2 missing",
        "    done start heal.live.web.2.4 on h1 (233ms)",
        "      because slot 2 has no instance: heal.live.web.2.1 has ended (start-missing)",
        "    FAILED start heal.live.web.3.1 on h2 (1.2s)",
        "      no such image: shop/web:1.4.3; tried again after a back-off",
        "      because slot 3 has no instance: heal.live.web.3.1 has ended (start-missing)",
        "    skipped start heal.live.web.3.1 on h2: an earlier wave failed",
        "      because slot 3 has no instance: heal.live.web.3.1 has ended (start-missing)",
        "",
        "1 service: 1 action done, 1 failed, 1 skipped",
        "",
      ].join("\n"),
    );
    expect(code).toBe(2);
    expect(daemon.calls).toEqual([["pass", ["web"], null]]);
  });

  it("asks the daemon when there is one, and looks for itself when there is none", async () => {
    const [daemon, oneShot] = [fakeController(), fakeController()];
    await runHeal([], { daemon, oneShot });
    expect([daemon.calls.length, daemon.closed(), oneShot.calls.length]).toEqual([1, 1, 0]);
    await runHeal([], { oneShot });
    expect([oneShot.calls.length, oneShot.closed()]).toEqual([1, 1]);
  });

  it("reaches a service that is called like a command", async () => {
    const daemon = fakeController({ services: async () => ["status"], pass: async () => aPassReport([], [], []) });
    const { code } = await runHeal(["pass", "status"], { daemon });
    expect([code, daemon.calls]).toEqual([0, [["pass", ["status"], null]]]);
  });

  it("acts only on the plan that was agreed to", async () => {
    const daemon = fakeController({
      pass: async (_, expect) => Promise.reject(new PlanChanged(expect ?? "", "bbbbbb")),
    });
    const { code, out, err } = await runHeal(["--expect", "aaaaaa"], { daemon });
    expect([code, out]).toEqual([65, ""]);
    expect(err).toBe("heal: the plan has changed: it was aaaaaa, it is bbbbbb now; look at `heal --dry-run` again\n");
    expect(daemon.calls).toEqual([["pass", [], "aaaaaa"]]);
  });

  it("says that another one holds the lock", async () => {
    const oneShot = fakeController({ pass: async () => Promise.reject(new NotLeader("h2 (process 7) leads")) });
    const { code, out } = await runHeal(["--json"], { oneShot });
    expect([code, JSON.parse(out)]).toMatchObject([75, { version: 1, error: { code: "not-leader" } }]);
  });

  it.each([
    [["--expect", "rm -rf /"], '"rm -rf /" is no plan\'s hash'],
    [["--expect"], "option '--expect <hash>' argument missing"],
    [["--dry-run", "--expect", "abcdef"], "--dry-run and --expect exclude each other"],
    [["--dry-rnu"], "unknown option '--dry-rnu'"],
  ])("refuses %j", async (argv, message) => {
    const oneShot = fakeController();
    const { code, err } = await runHeal(argv, { oneShot });
    expect([code, err.split("\n")[0]]).toEqual([64, `heal: ${message}`]);
    expect(oneShot.calls).toEqual([]);
  });
});

describe("somebody who mistypes", () => {
  it.each([
    [["wbe"], 'heal: the desired state has no service "wbe"\n      did you mean web?\n'],
    [
      ["payments"],
      'heal: the desired state has no service "payments"\n      `heal status` lists those that are desired\n',
    ],
    [
      ["stauts"],
      'heal: there is neither a command nor a desired service "stauts"\n      did you mean `heal status`?\n',
    ],
    [["--dry-rnu"], "heal: unknown option '--dry-rnu'\n      did you mean --dry-run?\n"],
    [["status", "--jsno"], "heal: unknown option '--jsno'\n      did you mean --json?\n"],
  ])("%j is told what was meant", async (argv, message) => {
    const oneShot = fakeController();
    const { code, err } = await runHeal(argv, { oneShot });
    expect([code, err]).toEqual([64, message]);
    expect(oneShot.calls).toEqual([]);
  });
});
