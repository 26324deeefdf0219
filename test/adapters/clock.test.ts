import { afterEach, describe, expect, it, vi } from "vitest";
import { realClock } from "../../src/adapters/clock.ts";

afterEach(() => vi.restoreAllMocks());

describe("the real clock", () => {
  it("starts near the wall clock and then goes with elapsed time, whatever becomes of the wall clock", async () => {
    const clock = realClock();
    expect(Math.abs(clock.steadyMs() - Date.now())).toBeLessThan(50);
    const before = clock.steadyMs();
    const now = Date.now();
    for (const hourMs of [3_600_000, -3_600_000]) {
      vi.spyOn(Date, "now").mockReturnValue(now + hourMs);
      expect(clock.wallMs()).toBe(now + hourMs);
      expect(clock.steadyMs() - before).toBeLessThan(1_000);
      expect(clock.steadyMs()).toBeGreaterThanOrEqual(before);
    }
  });

  it("sleeps until the time is over, or until told to stop", async () => {
    const clock = realClock();
    const startedAt = clock.steadyMs();
    expect(await clock.sleep(30)).toBe("elapsed");
    expect(clock.steadyMs() - startedAt).toBeGreaterThanOrEqual(28);
    const stop = new AbortController();
    const sleeping = clock.sleep(60_000, stop.signal);
    stop.abort();
    expect(await sleeping).toBe("aborted");
    expect(await clock.sleep(60_000, stop.signal)).toBe("aborted");
  });

  it("leaves no listener behind on a signal that outlives many sleeps", async () => {
    const clock = realClock();
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    for (let n = 0; n < 20; n += 1) await clock.sleep(0, signal);
    expect(remove.mock.calls.length).toBe(add.mock.calls.length);
  });

  it("calls back once, and not after it was cancelled", async () => {
    const clock = realClock();
    const called: string[] = [];
    clock.after(5, () => called.push("a"));
    clock.after(5, () => called.push("b"))();
    await clock.sleep(30);
    expect(called).toEqual(["a"]);
  });

  it("takes a delay of years for a long one, not for none", async () => {
    const clock = realClock();
    let called = false;
    const cancel = clock.after(1e12, () => (called = true));
    await clock.sleep(20);
    expect(called).toBe(false);
    cancel();
  });
});
