import { expect, test } from "vitest";
import type { RedisReport } from "../../src/model/redis-report.ts";
import { openPaint } from "../../src/report/present/paint.ts";
import { redisText } from "../../src/report/present/redis-text.ts";

const node = { host: "h1", link: null, behindBytes: null, tags: [], trouble: null };
const report: RedisReport = {
  version: 1,
  environment: "live",
  service: "sessions",
  standing: { kind: "wrong-password", sentence: "sessions.3.1 does not let heal in", writable: true },
  epoch: 4,
  master: "sessions.1.2",
  last: {
    epoch: 4,
    cause: "gone",
    from: "sessions.2.1",
    to: "sessions.1.2",
    gapBytes: 14,
    tookMs: 40,
    at: "2026-01-02T03:04:05.000Z",
    timeline: "old master untagged +4 ms, sessions.1.2 promoted +9 ms, tagged +31 ms",
  },
  nodes: [
    { ...node, name: "sessions.1.2", address: "10.0.0.1:7001", role: "master", offset: 900, tags: ["primary"] },
    {
      ...node,
      name: "sessions.2.2",
      address: "10.0.0.2:7001",
      role: "replica",
      link: "up",
      offset: 858,
      behindBytes: 42,
      tags: ["replica"],
    },
    { ...node, name: "sessions.3.1", address: "10.0.0.3:7001", role: null, offset: null, trouble: "NOAUTH" },
  ],
};
const rowsOf = (text: string): readonly (readonly string[])[] =>
  text.split("\n").map((line) => line.trim().split(/\s{2,}/));

test("status shows how the roles stand, and of each node role, link, offset, how far behind it is, and its tags", () => {
  const text = redisText(report, openPaint(false), null);
  expect(text).toContain("sessions: wrong-password, sessions.3.1 does not let heal in");
  const rows = rowsOf(text);
  expect(rows).toContainEqual(["sessions.1.2", "10.0.0.1:7001", "master", "900", "primary"]);
  expect(rows).toContainEqual(["sessions.2.2", "10.0.0.2:7001", "replica", "up", "858", "42", "replica"]);
  expect(rows).toContainEqual(["sessions.3.1", "10.0.0.3:7001", "unknown", "NOAUTH"]);
});

test("status shows the last failover: when, from whom to whom, why, what is missing, and step by step what happened", () => {
  const text = redisText(report, openPaint(false), null);
  expect(text).toContain(
    "epoch 4; last change 2026-01-02T03:04:05.000Z: sessions.2.1 → sessions.1.2 (gone, 40 ms, 14 bytes known to be missing)",
  );
  expect(text).toContain("\n  old master untagged +4 ms, sessions.1.2 promoted +9 ms, tagged +31 ms\n");
  expect(redisText({ ...report, last: null }, openPaint(false), null)).toContain("no change of master so far");
});
