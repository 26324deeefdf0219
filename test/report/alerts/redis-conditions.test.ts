import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { noServiceMemory } from "../../../src/model/memory.ts";
import type { RedisMemory, RedisStandingKind } from "../../../src/model/redis.ts";
import { noRedisMemory } from "../../../src/model/redis.ts";
import { conditionsFrom } from "../../../src/report/alerts/conditions.ts";
import { aService } from "../../builders/service.ts";
import { roles } from "../../builders/redis.ts";
import { facts, NIGHT_MS, serviceFacts } from "./builders.ts";

const withoutMaster: readonly RedisStandingKind[] = [
  "none-eligible",
  "too-much-loss",
  "two-masters",
  "stranger",
  "master-silent",
  "wrong-password",
  "unseen",
  "too-few-replicas",
];

/** Those that heal has somebody look at while the master goes on. */
const besideMaster: readonly RedisStandingKind[] = [
  "stranger",
  "chain",
  "wrong-password",
  "loading",
  "replicas-lag-behind",
  "diverged",
  "cannot-save",
];

function alertOf(kind: RedisStandingKind, writable = false, memory: Partial<RedisMemory> = {}) {
  const cache = serviceFacts(
    "cache",
    { redis: { kind, sentence: "heal.live.cache.2.1 cannot be asked", writable } },
    {
      service: aService("cache", { redis: roles }),
      memory: { ...noServiceMemory, redis: { ...noRedisMemory, ...memory } },
      holds: [
        {
          service: "cache",
          because: { rule: "start-missing", evidence: "slot 1 of 2 is empty" },
          heldBy: "redis-data",
          reason: "heal.live.cache.2.1 may have data",
          untilMs: null,
        },
      ],
    },
  );
  const found = conditionsFrom(facts({ services: { cache } })).holding.find((one) => one.kind === "redis-roles");
  if (found === undefined) throw new Error(`${kind} is not told`);
  return found;
}

describe("a Redis service without a master", () => {
  test.each(withoutMaster)("that is %s is critical, and says what a person can do beside looking at it", (kind) => {
    const { severity, summary, advice } = alertOf(kind);
    expect(severity).toBe("critical");
    expect(summary).toContain(kind);
    expect(advice.filter((one) => !one.includes("redis status") && !one.includes("silence"))).not.toEqual([]);
  });
  test("tells which start waits for one", () => {
    expect(alertOf("none-eligible").evidence).toEqual(["slot 1 of 2 is empty: heal.live.cache.2.1 may have data"]);
  });
});

describe("a Redis service whose master goes on", () => {
  test.each(besideMaster)(
    "and that is %s is a warning that says what heal does, and asks for no other master",
    (kind) => {
      const { severity, summary, what, doing, advice } = alertOf(kind, true);
      expect(severity).toBe("warning");
      expect(summary).toContain(kind);
      expect(what).toContain("heal.live.cache.2.1");
      expect(doing).not.toContain("Goes on looking");
      expect(advice.join(" ")).not.toContain("redis promote");
    },
  );
});

test("since when nobody is the master is told from the moment it went, whoever tells it", () => {
  expect(alertOf("two-masters", false, { downSinceMs: NIGHT_MS - 60_000 }).sinceMs).toBe(NIGHT_MS - 60_000);
});

test("every status that is told has a row in docs/redis.md", () => {
  const table = readFileSync("docs/redis.md", "utf8").split("## What heal does not decide")[1]?.split("\n## ")[0] ?? "";
  const firstCells = table.split("\n").map((row) => row.split("|")[1] ?? "");
  for (const kind of [...withoutMaster, ...besideMaster]) {
    expect(
      firstCells.filter((cell) => cell.includes(`\`${kind}\``)),
      kind,
    ).toHaveLength(1);
  }
});

describe("a failover that is over", () => {
  function alertWith(last: Partial<NonNullable<RedisMemory["last"]>>) {
    const past = { epoch: 2, cause: "gone" as const, from: "cache.1.1", to: "cache.2.1", gapBytes: 14, tookMs: 40 };
    const redis: RedisMemory = { ...noRedisMemory, last: { ...past, atMs: NIGHT_MS, timeline: null, ...last } };
    const cache = serviceFacts(
      "cache",
      { redis: { kind: "well", sentence: "cache.2.1 is the master", writable: true } },
      { service: aService("cache", { redis: roles }), memory: { ...noServiceMemory, redis } },
    );
    return conditionsFrom(facts({ services: { cache } })).holding.find((one) => one.kind === "redis-failover");
  }
  test("is told with what is missing and, step by step, with what happened when", () => {
    const steps = [
      "old master untagged +4 ms",
      "old master out of reach (connect timed out, 3 of 3) +104 ms",
      "cache.2.1 promoted +109 ms",
      "1 of 1 replicas follow +120 ms",
      "tagged +131 ms",
    ];
    const alert = alertWith({ timeline: steps.join(", ") });
    expect(alert?.what).toContain("14 bytes");
    expect(alert?.evidence).toEqual(steps);
  });
  test("is told without, where whoever made it did not come to tell", () => {
    expect(alertWith({})?.evidence).toEqual([]);
  });
  test("is not told for long, nor when a person asked for it to be planned", () => {
    expect(alertWith({ atMs: NIGHT_MS - 300_000 })).toBeUndefined();
    expect(alertWith({ cause: "switchover" })).toBeUndefined();
  });
});
