import { describe, expect, it } from "vitest";
import { unknown } from "../../../src/model/known.ts";
import type { StatusReport } from "../../../src/model/report.ts";
import { fakeController } from "../support/fake-controller.ts";
import { aHistoryEntry, aHold, aServiceReport, aStatusReport } from "../support/reports.ts";
import { runHeal } from "../support/run-heal.ts";
import { aStanding } from "../../builders/standing.ts";

const services = [
  aServiceReport(aStanding("api", { status: 1, healthy: 4, surplus: 1, runtime: "swarm" }), {
    lastAction: aHistoryEntry({ what: "start heal.live.api.2.2 on h1", why: "slot 2 has no instance" }),
  }),
  aServiceReport(aStanding("cart"), { paused: { until: "2026-03-01T04:12:40.000Z", why: "升级 Docker" } }),
  aServiceReport(aStanding("db", { status: 2, healthy: 1, quarantined: 1 }), {
    holds: [aHold("db", { heldBy: "quarantine", reason: "five failures in ten minutes" })],
    backOffUntil: "2026-03-01T03:13:00.000Z",
  }),
];

function answering(part: Partial<StatusReport> = {}) {
  return { daemon: fakeController({ status: async () => aStatusReport(services, part) }) };
}

it("is a table of how services stand, what was done last and why; the exit code is the worst", async () => {
  const { code, out } = await runHeal(["status"], answering());
  expect(out).toBe(
    [
      "live  3 services: 1 critical, 1 warning, 1 passing",
      "answered by the leading daemon, leader since 4h ago (heal 0.1.0)",
      "",
      "SERVICE  RUNTIME  STATUS          HEALTHY  SURPLUS  BACK-OFF              LAST ACTION AND WHY",
      "api      swarm    WARNING         4/3      1                              1m ago: start heal.live.api.2.2 on h1, because slot 2 has no instance",
      "cart     engine   PASSING paused  3/3                                     paused for another 1h: 升级 Docker",
      "db       engine   CRITICAL        1/3               20s left, quarantine  held by quarantine: five failures in ten minutes",
      "",
    ].join("\n"),
  );
  expect(code).toBe(2);
});

it("tells troubles and silent hosts before all else", async () => {
  const { out } = await runHeal(
    ["status"],
    answering({
      troubles: ["desired state refused: live/web.json:3:5: unknown key\u001b[31m"],
      hosts: [
        {
          name: "h3",
          engine: unknown("connect ETIMEDOUT"),
          silentSinceMs: 0,
          node: unknown("?"),
          swarmNode: null,
          load: 0,
        },
      ],
    }),
  );
  expect(out.split("\n").slice(2, 5)).toEqual([
    "! desired state refused: live/web.json:3:5: unknown key",
    "? host h3 does not answer: connect ETIMEDOUT",
    "",
  ]);
});

it("cuts its last column to the width of a terminal, whatever its script", async () => {
  const { out } = await runHeal(["status"], { ...answering(), terminal: { outColumns: 100 } });
  const lines = out.split("\n").slice(3);
  expect(lines[1]).toMatch(/1m ago: start heal.live.a…$/);
  expect(lines[2]).toMatch(/paused for another 1h: 升…$/);
  const widths = lines.map((line) => line.replace(/\p{Script=Han}/gu, "xx").length);
  expect(Math.max(...widths)).toBe(100);
});

it("colours words on a terminal that has colours, and none elsewhere", async () => {
  const coloured = await runHeal(["status"], { ...answering(), terminal: { outColours: true } });
  expect(coloured.out).toContain("\u001b[31mCRITICAL\u001b[39m");
  expect((await runHeal(["status"], answering())).out).not.toContain("\u001b");
});

describe("who answered", () => {
  it.each([
    ["one-shot", "no daemon was asked: looked just now (heal 0.1.0)"],
    ["shadow", "answered by a daemon in shadow mode, which does not act, started 4h ago (heal 0.1.0)"],
    ["follower", "answered by a daemon that follows h1 (heal 0.1.0)"],
    ["suspended", "answered by a daemon that is suspended until it has looked afresh (heal 0.1.0)"],
  ] as const)("%s", async (role, line) => {
    const controller = { version: "0.1.0", role, leader: "h1", since: "2026-02-28T23:12:40.000Z" };
    expect((await runHeal(["status"], answering({ controller }))).out.split("\n")[1]).toBe(line);
  });
});

it("gives the report as JSON", async () => {
  const { out } = await runHeal(["status", "--json"], answering());
  expect(JSON.parse(out)).toEqual(aStatusReport(services));
});
