import { describe, expect, it } from "vitest";
import { openStarts } from "../../src/act/starts.ts";

describe("starts", () => {
  it("are counted by host while they are under way or wait, and no longer", async () => {
    const starts = openStarts(1);
    let end = (): void => undefined;
    const first = starts.run("h1", () => new Promise<void>((resolve) => (end = resolve)));
    const second = starts.run("h1", async () => undefined);
    await Promise.resolve();
    expect([starts.underWay("h1"), starts.underWay("h2")]).toEqual([2, 0]);
    end();
    await Promise.all([first, second]);
    expect(starts.underWay("h1")).toBe(0);
  });

  it("are not counted any more when they have failed", async () => {
    const starts = openStarts(1);
    await expect(starts.run("h1", () => Promise.reject(new Error("no such image")))).rejects.toThrow("no such image");
    expect(starts.underWay("h1")).toBe(0);
  });
});
