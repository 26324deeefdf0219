import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";

/** Every file below `test/`, by name. */
const files = new Map(
  readdirSync("test", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => [basename(entry.name), join(entry.parentPath, entry.name)]),
);

test("every scenario that docs/redis.md says is tested is tested by a test of that name", () => {
  const rows = readFileSync("docs/redis.md", "utf8")
    .split("## Which scenario is tested where")[1]
    ?.split("\n## ")[0]
    ?.split("\n")
    .filter((line) => line.startsWith("| ") && !line.includes("---"))
    .slice(1);
  expect(rows?.length).toBeGreaterThan(30);
  for (const row of rows ?? []) {
    const named = [...row.matchAll(/`([\w.-]+\.test\.ts)`: ([^|;]+)/g)];
    expect(named.length > 0 || row.includes("does not apply"), row).toBe(true);
    for (const [, file = "", name = ""] of named) {
      const path = files.get(file);
      expect(path, `${file} of ${row}`).toBeDefined();
      expect(readFileSync(path ?? "", "utf8"), row).toContain(name.trim());
    }
  }
});
