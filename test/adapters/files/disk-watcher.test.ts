import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskWatcher } from "../../../src/adapters/files/disk-watcher.ts";
import type { FileWatch } from "../../../src/ports/files.ts";

describe("the watcher of files", () => {
  let root: string;
  let watch: FileWatch;
  let seen: string[];
  let wake: () => void;

  const begin = (...paths: readonly string[]): void => {
    const onChange = (path: string): void => {
      seen.push(path);
      wake();
    };
    watch = diskWatcher(20).watch(paths, onChange, (error) => seen.push(String(error)));
  };
  /** Resolves with the paths that were told of, once there is one. */
  const told = async (): Promise<readonly string[]> => {
    if (seen.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return seen.splice(0);
  };

  /** Lets what was told of earlier changes pass by. */
  const quiet = async (): Promise<void> => {
    do seen.length = 0;
    while ((await sleep(60), seen.length > 0));
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "heal-watch-"));
    mkdirSync(join(root, "state"));
    writeFileSync(join(root, "state", "web.json"), "1");
    seen = [];
    wake = () => {};
  });
  afterEach(async () => {
    await watch.close();
    rmSync(root, { recursive: true, force: true });
  });

  it("says nothing of what was there before", () => {
    begin(join(root, "state"));
    expect(seen).toEqual([]);
  });

  it("tells of every replacement by renaming, not the first alone", async () => {
    begin(join(root, "state"));
    for (const text of ["22", "333", "4444"]) {
      writeFileSync(join(root, "new"), text);
      renameSync(join(root, "new"), join(root, "state", "web.json"));
      expect(await told()).toContain(join(root, "state", "web.json"));
      await quiet();
    }
  });

  it("tells of a replacement that follows at once, while the watch moves on", async () => {
    begin(join(root, "state"));
    for (const text of ["22", "333"]) {
      writeFileSync(join(root, "new"), text);
      renameSync(join(root, "new"), join(root, "state", "web.json"));
    }
    await told();
    expect(await told()).toContain(join(root, "state", "web.json"));
  });

  it("tells of files that come and go", async () => {
    begin(join(root, "state"));
    writeFileSync(join(root, "state", "api.json"), "1");
    expect(await told()).toContain(join(root, "state", "api.json"));
    rmSync(join(root, "state", "api.json"));
    expect(await told()).toContain(join(root, "state", "api.json"));
  });

  it("tells of a link that is turned to another file", async () => {
    mkdirSync(join(root, "state", "..one"));
    writeFileSync(join(root, "state", "..one", "db.json"), "1");
    symlinkSync("..one/db.json", join(root, "state", "db.json"));
    begin(join(root, "state"));
    mkdirSync(join(root, "state", "..two"));
    writeFileSync(join(root, "state", "..two", "db.json"), "2");
    symlinkSync("..two/db.json", join(root, "link"));
    renameSync(join(root, "link"), join(root, "state", "db.json"));
    expect(await told()).not.toEqual([]);
  });

  it("tells of a directory that is deleted, and of files in the one that takes its place", async () => {
    begin(join(root, "state"));
    rmSync(join(root, "state"), { recursive: true });
    expect(await told()).not.toEqual([]);
    await quiet();
    mkdirSync(join(root, "state"));
    writeFileSync(join(root, "state", "web.json"), "5");
    expect(await told()).not.toEqual([]);
  });

  it("tells of a link to a directory that is turned to another, and of files in that one", async () => {
    for (const release of ["one", "two"]) {
      mkdirSync(join(root, release));
      writeFileSync(join(root, release, "web.json"), release);
    }
    symlinkSync("one", join(root, "current"));
    begin(join(root, "current"));
    symlinkSync("two", join(root, "link"));
    renameSync(join(root, "link"), join(root, "current"));
    expect(await told()).not.toEqual([]);
    await quiet();
    writeFileSync(join(root, "two", "web.json"), "changed");
    expect(await told()).not.toEqual([]);
  });

  it("tells of a directory above that is exchanged for another", async () => {
    mkdirSync(join(root, "release-1", "state"), { recursive: true });
    mkdirSync(join(root, "release-2", "state"), { recursive: true });
    symlinkSync("release-1", join(root, "live"));
    begin(join(root, "live", "state"));
    rmSync(join(root, "live"));
    symlinkSync("release-2", join(root, "live"));
    expect(await told()).not.toEqual([]);
    await quiet();
    writeFileSync(join(root, "release-2", "state", "web.json"), "2");
    expect(await told()).toContain(join(root, "live", "state", "web.json"));
  });

  it("says nothing more once it is closed", async () => {
    begin(join(root, "state"));
    writeFileSync(join(root, "state", "web.json"), "2");
    await told();
    await watch.close();
    seen.length = 0;
    writeFileSync(join(root, "state", "web.json"), "3");
    await sleep(60);
    expect(seen).toEqual([]);
  });

  it("tells of a directory that comes later", async () => {
    begin(join(root, "later"));
    mkdirSync(join(root, "later"));
    writeFileSync(join(root, "later", "web.json"), "1");
    expect(await told()).not.toEqual([]);
  });

  it("says nothing of what stands beside", async () => {
    begin(join(root, "state"));
    writeFileSync(join(root, "beside.json"), "1");
    mkdirSync(join(root, "statement"));
    await sleep(60);
    expect(seen).toEqual([]);
  });

  it("tells of a single file, replaced twice", async () => {
    writeFileSync(join(root, "heal.json"), "{}");
    begin(join(root, "heal.json"));
    for (const text of ["{ }", "{  }"]) {
      writeFileSync(join(root, "new"), text);
      renameSync(join(root, "new"), join(root, "heal.json"));
      expect(await told()).toContain(join(root, "heal.json"));
      await quiet();
    }
  });
});
