import { describe, expect, test } from "vitest";
import type { RedisStandingKind } from "../../../src/model/redis.ts";
import { conditionsFrom } from "../../../src/report/alerts/conditions.ts";
import { aService } from "../../builders/service.ts";
import { roles } from "../../builders/redis.ts";
import { facts, serviceFacts } from "./builders.ts";

const withoutMaster: readonly RedisStandingKind[] = [
  "none-eligible",
  "too-much-loss",
  "two-masters",
  "stranger",
  "master-silent",
  "wrong-password",
  "unseen",
];

function alertOf(kind: RedisStandingKind) {
  const cache = serviceFacts(
    "cache",
    { redis: { kind, sentence: "heal.live.cache.2.1 cannot be asked", writable: false } },
    {
      service: aService("cache", { redis: roles }),
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
