import { describe, expect, it } from "vitest";
import { Fenced } from "../../src/act/hands.ts";
import { beginTenure, instant, noFence } from "../../src/loop/fence.ts";
import { defaultTerms, leaseMs } from "../../src/loop/lease.ts";
import { fakeClock } from "./support/fake-clock.ts";

const lease = { sessionId: "s1", lockIndex: 7 };

function aTenure() {
  const clock = fakeClock();
  const told: string[] = [];
  const tenure = beginTenure(clock, defaultTerms, lease, instant(clock), {
    onLapse: () => told.push("lapse"),
    onResume: () => told.push("resume"),
  });
  return { clock, tenure, told };
}

describe("a fence", () => {
  it("allows acting until the lease is over, and says so at that very moment", async () => {
    const { clock, tenure, told } = aTenure();
    const fence = tenure.fence();
    await clock.advance(leaseMs(defaultTerms) - 1);
    expect(fence.assertMayAct()).toBe("s1@7");
    await clock.advance(1);
    expect(told).toEqual(["lapse"]);
    expect(() => fence.assertMayAct()).toThrow(Fenced);
  });

  it("lasts from when the renewal was sent, not from when it was answered", async () => {
    const { clock, tenure } = aTenure();
    await clock.advance(100);
    const sentAt = instant(clock);
    await clock.advance(800);
    tenure.renewed(sentAt);
    await clock.advance(leaseMs(defaultTerms) - 800 - 1);
    expect(tenure.fence().mayAct()).toBe(true);
    await clock.advance(1);
    expect(tenure.fence().mayAct()).toBe(false);
  });

  it("is not revived by a renewal whose own lease is over when it is answered", async () => {
    const { clock, tenure, told } = aTenure();
    const sentAt = instant(clock);
    await clock.advance(leaseMs(defaultTerms) + 1);
    tenure.renewed(sentAt);
    expect(tenure.fence().mayAct()).toBe(false);
    expect(told).toEqual(["lapse"]);
  });

  it("that has lapsed stays void, and a later renewal gives another", async () => {
    const { clock, tenure, told } = aTenure();
    const before = tenure.fence();
    await clock.advance(5_000);
    tenure.renewed(instant(clock));
    expect(told).toEqual(["lapse", "resume"]);
    expect(tenure.fence()).not.toBe(before);
    expect([before.mayAct(), tenure.fence().mayAct()]).toEqual([false, true]);
    expect(() => before.assertMayAct()).toThrow("leadership lapsed meanwhile, and a new look is needed");
  });

  it("notices a lapse that nobody looked at before the next renewal", async () => {
    const { clock, tenure, told } = aTenure();
    const before = tenure.fence();
    clock.moveWall(60_000);
    // Sent after the jump: by itself it would be as good as any.
    tenure.renewed(instant(clock));
    expect(told).toEqual(["lapse", "resume"]);
    expect(before.mayAct()).toBe(false);
  });

  it("falls for good with its tenure, without a word", async () => {
    const { clock, tenure, told } = aTenure();
    const fence = tenure.fence();
    tenure.end("heal is stopping");
    expect(() => fence.assertMayAct()).toThrow("not acting any more: heal is stopping");
    tenure.renewed(instant(clock));
    await clock.advance(60_000);
    expect(fence.mayAct()).toBe(false);
    expect(told).toEqual([]);
  });

  it("of one who does not lead allows nothing and says why", () => {
    expect(() => noFence("n2 leads").assertMayAct()).toThrow(new Fenced("not acting: n2 leads"));
    expect(noFence("n2 leads")).toMatchObject({ lease: null });
  });
});
