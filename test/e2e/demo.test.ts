import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { end, run, type ProcessIdentity } from "../../scripts/machine/processes.ts";

const folder = mkdtempSync(path.join(tmpdir(), "heal-d-"));
const env = { ...process.env, TMPDIR: folder, HEAL_STATE_DIR: path.join(folder, "s"), NO_COLOR: "1" };
const script = (...args: string[]) => run("npx", ["tsx", ...args], { env, timeoutMs: 200_000 });
const demo = (...args: string[]) => script("scripts/demo/main.ts", ...args);
const machine = (...args: string[]) => script("scripts/machine/main.ts", ...args);
const demoFolders = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith("heal-demo-"));

afterEach(async () => {
  for (const name of demoFolders()) await endDaemon(path.join(folder, name, "daemon.json"));
  await machine("down", "--force");
  rmSync(folder, { recursive: true, force: true });
});

async function endDaemon(file: string): Promise<void> {
  if (existsSync(file)) await end(JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity, 10_000);
}

test("the demo that is kept goes on running; the next one ends it, plays from the start and leaves nothing behind", async () => {
  const kept = await demo("--keep");
  expect(kept).toMatchObject({ code: 0 });
  const [own] = demoFolders();
  const ask = await run(process.execPath, [
    "dist/bin.js",
    "check",
    "--config",
    path.join(folder, own ?? "", "heal.json"),
  ]);
  expect(ask.stdout).toMatch(/web WARNING [34]\/3 healthy: 1 more than asked for/);

  const second = await demo();
  expect(second).toMatchObject({ code: 0 });
  expect(second.stdout).toMatch(
    /0\/3 healthy: 3 missing[\s\S]* answers HTTP \d+ ms after the kill[\s\S]*Subject: \[heal demo\]/,
  );
  expect(demoFolders()).toEqual([]);
  const { stdout, stderr } = await machine("status");
  expect(stdout + stderr).toContain("nothing is up");
});
