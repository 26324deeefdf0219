import { describe, expect, it } from "vitest";
import { fakeController } from "../support/fake-controller.ts";
import { runHeal } from "../support/run-heal.ts";

describe("heal silence", () => {
  it("hands a time and a reason on", async () => {
    const { daemon, calls } = hushed();
    const { code, out } = await runHeal(["silence", "web", "--for", "2h", "--why", "being looked at"], { daemon });
    expect([code, out]).toEqual([0, "alerts about web are quiet for 2h\n"]);
    expect(calls).toEqual([["silence", "web", { forMs: 7_200_000, why: "being looked at", by: "the command line" }]]);
  });

  it("is ended before its time", async () => {
    const { daemon, calls } = hushed();
    const { code, out } = await runHeal(["silence", "web", "--end"], { daemon });
    expect([code, out]).toEqual([0, "alerts about web are told again\n"]);
    expect(calls).toEqual([["endSilence", "web"]]);
  });

  it.each([
    [[], "a silence needs an end"],
    [["--for", "2h", "--end"], "a silence is begun or ended"],
  ])("refuses %j before anything is asked", async (options, says) => {
    const { daemon, calls } = hushed();
    const { code, err } = await runHeal(["silence", "web", ...options], { daemon });
    expect([code, err]).toEqual([64, expect.stringContaining(says)]);
    expect(calls).toEqual([]);
  });
});

function hushed() {
  const calls: unknown[] = [];
  const { alerts } = fakeController();
  const daemon = fakeController({
    alerts: {
      ...alerts,
      silence: async (...given) => void calls.push(["silence", ...given]),
      endSilence: async (...given) => void calls.push(["endSilence", ...given]),
    },
  });
  return { daemon, calls };
}
