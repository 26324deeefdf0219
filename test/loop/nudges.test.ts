import { describe, expect, it } from "vitest";
import { openNudges } from "../../src/loop/nudges.ts";
import { fakeClock } from "./support/fake-clock.ts";

const services = Array.from({ length: 3_000 }, (_, at) => `s${at}`);

/** Passes that have begun and wait; each ends, or is told to have decided, when the test says so. */
function aDaemon() {
  const clock = fakeClock(0);
  const begun: { readonly names: readonly string[]; readonly decided: () => void; readonly end: () => void }[] = [];
  const nudges = openNudges({
    clock,
    all: () => services,
    pass: (names, _settled, decided) => new Promise((end) => begun.push({ names, decided, end })),
  });
  return { clock, nudges, begun };
}

describe("nudges", () => {
  it("look at everything in passes of which only so many wait for answers at once", async () => {
    const { clock, nudges, begun } = aDaemon();
    nudges.nudge(null);
    await clock.advance(10);
    const atOnce = begun.length;
    expect(atOnce).toBe(20);
    begun[0]?.decided();
    await clock.advance(10);
    expect(begun).toHaveLength(atOnce + 1);
    begun[1]?.end();
    await clock.advance(10);
    expect(begun).toHaveLength(atOnce + 2);
    for (let at = 0; at < begun.length; at += 1) {
      begun[at]?.end();
      await clock.advance(1);
    }
    await nudges.idle();
    expect(new Set(begun.flatMap(({ names }) => names)).size).toBe(services.length);
  });

  it("look at once at what somebody has named while everything is being looked at", async () => {
    const { clock, nudges, begun } = aDaemon();
    nudges.nudge(null);
    nudges.nudge(["s2999"]);
    await clock.advance(10);
    expect(begun[0]?.names).toContain("s2999");
    nudges.nudge(["s2998"]);
    await clock.advance(10);
    expect(begun.at(-1)?.names).toEqual(["s2998"]);
  });

  it("are not held up by passes over everything whose actions are slow", async () => {
    const { clock, nudges, begun } = aDaemon();
    nudges.nudge(null);
    for (let round = 0; round < 200; round += 1) {
      await clock.advance(1);
      for (const { decided } of begun) decided();
    }
    expect(begun.flatMap(({ names }) => names)).toHaveLength(services.length);
  });
});
