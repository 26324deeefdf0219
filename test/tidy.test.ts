import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { SourceFile } from "./support/tidy.ts";
import { importsOf, violationsIn } from "./support/tidy.ts";

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "src"], {
  encoding: "utf8",
});
const files: readonly SourceFile[] = tracked
  .split("\n")
  .filter((path) => path.endsWith(".ts"))
  .flatMap((path) => {
    try {
      return [{ path, text: readFileSync(path, "utf8") }];
    } catch {
      // Deleted in the work tree and still in the index.
      return [];
    }
  });

describe("the code base", () => {
  it("keeps its own rules", () => {
    expect(violationsIn(files)).toEqual([]);
  });

  it("is really looked at", () => {
    expect(files.length).toBeGreaterThan(100);
    const plan = files.find(({ path }) => path === "src/plan/plan.ts");
    expect(importsOf(plan?.text ?? "").length).toBeGreaterThan(10);
  });
});

describe("the checker of the rules", () => {
  const planted: readonly [string, SourceFile, string][] = [
    [
      "a rule that reads a port",
      { path: "src/plan/rules/x.ts", text: 'import { EngineError } from "../../ports/engine.ts";\n' },
      "the import table holds",
    ],
    [
      "a plan that uses a package",
      { path: "src/plan/x.ts", text: 'import pLimit from "p-limit";\n' },
      "the import table holds",
    ],
    [
      "a plan that uses Node",
      { path: "src/plan/x.ts", text: 'import { createHash } from "node:crypto";\n' },
      "the import table holds",
    ],
    [
      "a stage that imports another",
      { path: "src/act/x.ts", text: 'export { plan } from "../plan/plan.ts";\n' },
      "the import table holds",
    ],
    [
      "a lazy import across stages",
      { path: "src/observe/x.ts", text: 'const late = await import("../act/apply.ts");\n' },
      "the import table holds",
    ],
    [
      "an adapter that imports another",
      { path: "src/adapters/consul/x.ts", text: 'import { openEngine } from "../docker/open-engine.ts";\n' },
      "adapters do not import each other",
    ],
    ["a folder nobody knows", { path: "src/utils/x.ts", text: "" }, "every folder of src is in the import table"],
    [
      "a clock of its own",
      { path: "src/loop/x.ts", text: "const now = Date.now();\n" },
      "time enters through the clock port",
    ],
    [
      "a timer of its own",
      { path: "src/loop/x.ts", text: "setTimeout(() => {}, 5);\n" },
      "time enters through the clock port",
    ],
    [
      "chance of its own",
      { path: "src/loop/x.ts", text: "const x = Math.random();\n" },
      "chance enters through the random port",
    ],
    [
      "a look at the environment",
      { path: "src/loop/x.ts", text: "const x = process.env.HOME;\n" },
      "only settings read the environment",
    ],
    ["an any", { path: "src/loop/x.ts", text: "const x = y as any;\n" }, "no any"],
    [
      "a silenced check",
      { path: "src/loop/x.ts", text: "// @ts-expect-error\n" },
      "no check is silenced without a reason",
    ],
    ["an enum", { path: "src/loop/x.ts", text: "export enum Colour {}\n" }, "no enum, no default export"],
    [
      "work without an issue",
      { path: "src/loop/x.ts", text: "// TODO: later\n" },
      "nothing is left for later without an issue",
    ],
    ["a manager", { path: "src/loop/x.ts", text: "class HostManager {}\n" }, "no drawers for everything"],
    ["a file of many ideas", { path: "src/loop/x.ts", text: "\n".repeat(301) }, "a file is one idea"],
  ];

  it.each(planted)("finds %s", (_name, file, rule) => {
    expect(violationsIn([file]).map((violation) => violation.rule)).toContain(rule);
  });

  it("accepts work that names its issue, and time mentioned in a comment", () => {
    const text = "// TODO (#12) the mesh\n/** Not Date.now: the clock port. */\nexport const one = 1;\n";
    expect(violationsIn([{ path: "src/loop/x.ts", text }])).toEqual([]);
  });
});
