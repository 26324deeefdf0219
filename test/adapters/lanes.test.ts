import { describe, expect, it } from "vitest";
import { openLanes } from "../../src/adapters/lanes.ts";

/** Work that ends when it is told to. */
function aTask(log: string[], name: string) {
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<string>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve(name) : reject(error));
  });
  const work = (): Promise<string> => {
    log.push(name);
    return ended;
  };
  return { work, end: (error?: Error) => end(error) };
}

describe("lanes", () => {
  it("let so many begin at once, and the others in their order as soon as one has ended", async () => {
    const begun: string[] = [];
    const lanes = openLanes(2);
    const tasks = ["a", "b", "c", "d"].map((name) => aTask(begun, name));
    const results = tasks.map(({ work }) => lanes(work));
    expect(begun).toEqual(["a", "b"]);
    expect(lanes.isFree()).toBe(false);
    tasks[1]?.end();
    expect(await results[1]).toBe("b");
    await Promise.resolve();
    expect(begun).toEqual(["a", "b", "c"]);
    for (const task of tasks) task.end();
    expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
    await Promise.resolve();
    expect(lanes.isFree()).toBe(true);
  });

  it("hand on what fails, whether it says so at once or later, and go on with the next", async () => {
    const lanes = openLanes(1);
    const thrown = lanes(() => {
      throw new Error("at once");
    });
    const rejected = lanes(() => Promise.reject(new Error("later")));
    const fine = lanes(async () => "fine");
    await expect(thrown).rejects.toThrow("at once");
    await expect(rejected).rejects.toThrow("later");
    expect(await fine).toBe("fine");
  });
});
