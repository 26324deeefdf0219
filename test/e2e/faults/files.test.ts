import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, inject, it } from "vitest";
import { noteFault } from "../support/fault-report.ts";
import { openGround, startOverTwo, timesSaid, untilTold } from "../support/ground.ts";
import { settles } from "../support/invariants.ts";
import { webService } from "../support/services.ts";

const consul = inject("consul");

describe("the daemon and its desired state", () => {
  const good = (count: number): string => JSON.stringify({ services: { web: webService(count) } });
  const nonsense: readonly (readonly [what: string, text: string | Buffer])[] = [
    ["half a file", good(2).slice(0, 90)],
    ["nothing at all", ""],
    ["no service any more", '{ "services": {} }'],
    ["a duplicate key", '{ "services": {}, "services": {} }'],
    ["__proto__", '{ "services": { "__proto__": { "count": 3 } } }'],
    ["a hundred thousand brackets", '{ "services": '.concat("[".repeat(100_000))],
    ["100 MB", Buffer.alloc(100 * 1024 * 1024, "a")],
    ["NULs", Buffer.alloc(1_000)],
    ["a wrong type", '{ "services": { "web": { "count": "two" } } }'],
  ];

  it("keeps the last good one in force whatever the file becomes, and takes up the next good one at once", async (test) => {
    const { site, events } = await openGround();
    const daemon = await startOverTwo(site);
    const file = path.join(site.folder, "desired", "services.json");
    const from = events.mark();
    const beganAtMs = Date.now();
    for (const [what, text] of nonsense) {
      const before = timesSaid(daemon, "desired-state.refused");
      writeFileSync(file, text);
      await untilTold(daemon, "desired-state.refused", before).catch((error: Error) => {
        throw new Error(`${what}: ${error.message}`);
      });
      expect(events.since(from), what).toEqual([]);
      expect((await daemon.heal("check")).code, what).toBe(0);
    }
    const elsewhere = path.join(site.folder, "elsewhere.json");
    writeFileSync(elsewhere, good(3));
    symlinkSync(elsewhere, `${file}.new`);
    const beforeLink = timesSaid(daemon, "desired-state.refused");
    renameSync(`${file}.new`, file);
    await untilTold(daemon, "desired-state.refused", beforeLink);
    rmSync(file);
    writeFileSync(file, `\uFEFF${good(3)}`);
    await settles(site, consul, "web", 3);
    const before = timesSaid(daemon, "desired-state.refused");
    rmSync(file);
    await untilTold(daemon, "desired-state.refused", before);
    expect((await daemon.heal("status")).stdout).toContain("holds no desired-state file");
    await settles(site, consul, "web", 3);
    expect(events.since(from).filter(({ action }) => action === "die")).toEqual([]);
    noteFault(
      test,
      `desired state becomes ${nonsense.map(([what]) => what).join(", ")}, a link to elsewhere, and is deleted`,
      "refused each time, with the last good one in force; nothing stopped; a good one taken up at once",
      Date.now() - beganAtMs,
    );
  });
});
