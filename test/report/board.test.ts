import { describe, expect, it } from "vitest";
import { openBoard } from "../../src/report/board.ts";
import { aWorld } from "../builders/world.ts";

describe("what is said of how Docker was seen", () => {
  const world = aWorld().withService("web", { count: 1 }).withInstance("web", 1);
  const saysOfDocker = (seen: typeof world, options?: { followsEvents: boolean }): string | undefined => {
    const board = openBoard("live", options);
    const { plan } = seen.plan();
    board.decided({ desired: seen.desired(), observed: seen.observation(), plan, memory: seen.memory() });
    return board.why("web", (ms) => new Date(ms).toISOString())?.seenBy.find((line) => line.startsWith("Docker"));
  };

  it("is its events in a daemon, and a list where one was made for the question", () => {
    expect(saysOfDocker(world)).toBe("Docker: kept up to date by its events");
    expect(saysOfDocker(world.looked("web"))).toBe("Docker: listed just now");
  });

  it("is always a list where nobody follows its events", () => {
    expect(saysOfDocker(world, { followsEvents: false })).toBe("Docker: listed just now");
  });
});
