import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** The table of docs/reliability.md that says which test covers which of the peers' scenarios. */
const scenarios = readFileSync(new URL("../../docs/reliability.md", import.meta.url), "utf8")
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter(([, , , cover = ""]) => /^(`test\/|not covered: )/.test(cover))
  .map(([, numbers = "", , cover = ""]) => ({ numbers, cover }));

function numbersOf(text: string): readonly number[] {
  return text.split(", ").flatMap((part) => {
    const [from, to = from] = part.split("–").map(Number);
    return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index);
  });
}

it("says of every scenario, 1 to 67, which test it is or why there is none", () => {
  const named = scenarios.flatMap(({ numbers }) => numbersOf(numbers)).sort((a, b) => a - b);
  expect(named).toEqual(Array.from({ length: 67 }, (_, index) => index + 1));
});

it("names only tests that there are, by the words they have there", () => {
  for (const { cover } of scenarios) {
    if (cover.startsWith("not covered: ")) continue;
    for (const one of cover.split("; `").map((part) => part.replace(/^`?/, "`"))) {
      const { file, name } = /^`(?<file>[^`]+)`(?:: (?<name>.*))?$/.exec(one)!.groups!;
      const url = new URL(`../../${file}`, import.meta.url);
      expect(existsSync(url), file).toBe(true);
      if (name !== undefined) expect(readFileSync(url, "utf8"), file).toContain(name);
    }
  }
});
