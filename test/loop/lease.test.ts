import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  defaultTerms,
  leaseMs,
  leaseState,
  renewEveryMs,
  termsProblem,
  type LeaseTerms,
} from "../../src/loop/lease.ts";
import { property } from "../support/property.ts";

const at = (steadyMs: number, wallMs = steadyMs) => ({ steadyMs, wallMs });

/** Any terms that are accepted. */
const soundTerms = fc
  .record({
    checkTtlMs: fc.integer({ min: 1, max: 60_000 }),
    lockDelayMs: fc.integer({ min: 1, max: 60_000 }),
    requestTimeoutMs: fc.integer({ min: 1, max: 60_000 }),
    marginMs: fc.integer({ min: 1, max: 5_000 }),
    jumpMs: fc.integer({ min: 1, max: 10_000 }),
  })
  .filter((terms) => termsProblem(terms) === null);

describe("a lease", () => {
  it("counts from when the renewal was sent, and ends a margin before anybody else can lead", () => {
    const terms: LeaseTerms = { ...defaultTerms, checkTtlMs: 2_000, lockDelayMs: 1_500, marginMs: 250 };
    expect(leaseState(at(0), at(1_249), terms)).toEqual({ kind: "valid", remainingMs: 1 });
    expect(leaseState(at(0), at(1_250), terms)).toEqual({ kind: "lapsed", reason: "no renewal for 1250 ms" });
  });

  it("lapses when the wall clock jumps against the monotonic one, forwards or back", () => {
    expect(leaseState(at(0), at(100, 3_600_100), defaultTerms).kind).toBe("lapsed");
    expect(leaseState(at(0), at(100, -3_599_900), defaultTerms)).toEqual({
      kind: "lapsed",
      reason: "the clock jumped by -3600000 ms",
    });
    expect(leaseState(at(0), at(100, 600), defaultTerms).kind).toBe("valid");
  });

  property([soundTerms, fc.integer({ min: 0, max: 120_000 }), fc.integer({ min: -1e9, max: 1e9 })])(
    "never reaches the moment from which somebody else may hold the key, whatever the clocks say",
    (terms, elapsedMs, wallMs) => {
      const state = leaseState(at(0), at(elapsedMs, wallMs), terms);
      if (state.kind !== "valid") return;
      // However the session ends after the renewal was sent, the lock-delay keeps the key from others.
      expect(elapsedMs).toBeLessThan(terms.lockDelayMs);
      expect(elapsedMs).toBeLessThan(terms.checkTtlMs);
      expect(elapsedMs + state.remainingMs + terms.marginMs).toBeLessThanOrEqual(
        Math.min(terms.lockDelayMs, terms.checkTtlMs),
      );
    },
  );

  property([soundTerms])("is renewed at least twice before it lapses", (terms) => {
    expect(renewEveryMs(terms)).toBeGreaterThan(0);
    if (terms.marginMs * 3 <= Math.min(terms.checkTtlMs, terms.lockDelayMs)) {
      expect(leaseMs(terms)).toBeGreaterThanOrEqual(2 * renewEveryMs(terms) - 1e-9);
    }
  });
});

describe("the terms of a lease", () => {
  it("are sound by default, and replace a dead leader within four seconds", () => {
    expect(termsProblem(defaultTerms)).toBeNull();
    expect(defaultTerms.checkTtlMs + defaultTerms.lockDelayMs).toBeLessThanOrEqual(3_500);
  });

  it("are refused when a request of the last leader could outlive the lock-delay", () => {
    expect(termsProblem({ ...defaultTerms, lockDelayMs: 1_250, requestTimeoutMs: 1_000, marginMs: 250 })).toBe(
      "leadership.lockDelay of 1250 ms is too short: a request of the last leader may take 1000 ms, and with a margin of " +
        "250 ms it could still take effect under the next one. Make it longer than 1250 ms.",
    );
    expect(termsProblem({ ...defaultTerms, lockDelayMs: 1_251, requestTimeoutMs: 1_000, marginMs: 250 })).toBeNull();
  });

  it("are refused when there is no time to renew, or when Consul would cap the lock-delay", () => {
    expect(termsProblem({ ...defaultTerms, checkTtlMs: 700 })).toMatch(/^leadership\.checkTtl of 700 ms is too short/);
    expect(termsProblem({ ...defaultTerms, lockDelayMs: 90_000 })).toMatch(/longer than the 60000 ms/);
  });
});
