import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { fakeController } from "./support/fake-controller.ts";
import { runHeal } from "./support/run-heal.ts";

/** docs/api.md names the fields that every command prints with --json; here each is run. */
const page = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
const table = page.split("## `--json`\n")[1]?.split("\n## ")[0] ?? "";
const rows = [...table.matchAll(/^\| (`heal.*?`|any error) +\|.*?\| (.*?) +\|$/gm)].map(
  ([, command = "", fields = ""]) => [command, fields] as const,
);

async function printed(command: string): Promise<readonly string[]> {
  const [, ...words] = command.replaceAll("`", "").split(" ");
  const directory = mkdtempSync(join(tmpdir(), "heal-json-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const argv = command === "any error" ? ["why", "wbe"] : words[0] === "init" ? ["init", directory] : words;
  const { out } = await runHeal([...argv, "--json"], { oneShot: fakeController() });
  const report = JSON.parse(out) as object;
  expect(report).toMatchObject({ version: 1 });
  return Object.keys(report);
}

describe("with --json", () => {
  it("every command is in the table", () => {
    const named = rows.map(([command]) => command).join(" ");
    for (const one of ["status", "why", "check", "watch", "validate", "pause", "resume", "confirm", "silence", "init"])
      expect(named).toContain(`heal ${one}`);
  });

  it.each(rows)("%s prints the fields that the table names", async (commands, fields) => {
    const [first = ""] = commands.split(", ");
    expect((await printed(first)).map((key) => `\`${key}\``).join(", ")).toBe(fields);
  });
});
