import * as fc from "fast-check";
import { expect } from "vitest";
import { full, take } from "../../../src/adapters/consul/token-bucket.ts";
import { property } from "../../support/property.ts";

property([
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 50 }),
  fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }),
])("a token bucket never lets more through than its burst and its rate", (burst, perSecond, gapsMs) => {
  const limits = { burst, perSecond };
  let nowMs = 0;
  let bucket = full(limits, nowMs);
  const passedAtMs: number[] = [];
  for (const gapMs of gapsMs) {
    nowMs += gapMs;
    const taken = take(bucket, limits, nowMs);
    bucket = taken.bucket;
    nowMs += taken.waitMs;
    passedAtMs.push(nowMs);
  }
  for (const [first, fromMs] of passedAtMs.entries()) {
    for (const [offset, toMs] of passedAtMs.slice(first).entries()) {
      expect(offset + 1).toBeLessThanOrEqual(burst + ((toMs - fromMs) * perSecond) / 1_000 + 1 + 1e-6);
    }
  }
});
