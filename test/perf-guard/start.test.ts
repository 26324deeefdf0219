import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

/** What a command must load before it can begin, by its static imports: not a time, and so the same on every machine. */
function loadedBy(entry: string): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    const text = readFileSync(path, "utf8");
    for (const [, from = ""] of text.matchAll(/^(?:import|export)\s(?!type\b)(?:[^"';]*?\sfrom\s)?"([^"]+)"/gm)) {
      const file = join(dirname(path), from);
      if (!from.startsWith(".")) packages.add(from);
      else if (from.endsWith(".ts") && existsSync(file)) visit(file);
    }
  };
  visit(entry);
  return { files, packages };
}

describe("what is loaded before a command can begin", () => {
  it("is nothing but Node's own small modules for `heal check` and `heal watch`", () => {
    const { files, packages } = loadedBy("src/bin.ts");
    expect(files).toContain("src/cli/quick/quick.ts");
    expect([...packages].sort()).toEqual(["node:fs", "node:net", "node:os", "node:path"]);
    expect(files.size).toBeLessThanOrEqual(35);
  });

  it("leaves out of a one-shot `heal` what only a daemon, an alert, Redis or Compose needs", () => {
    const { files, packages } = loadedBy("src/wiring/one-shot.ts");
    expect(files).toContain("src/loop/reconcile.ts");
    const heavy = ["undici", "ioredis", "yaml", "pino", "fastify", "prom-client", "node-cron", "typebox"];
    heavy.push("nodemailer", "liquidjs");
    expect(heavy.filter((name) => packages.has(name))).toEqual([]);
  });
});
