import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFiles } from "../../../src/adapters/files/disk-files.ts";
import type { Files } from "../../../src/ports/files.ts";
import { FilesError } from "../../../src/ports/files.ts";
import { memoryFiles } from "../../desired/support/memory-files.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "heal-files-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const contents = {
  "state/b.json": "b",
  "state/a.json": "aé",
  "state/.hidden.json": "h",
  "state/sub/c.json": "c",
  "empty.json": "",
};

const kinds: readonly [name: string, open: () => Files][] = [
  ["on the disk", onDisk],
  [
    "in memory",
    () => memoryFiles(Object.fromEntries(Object.entries(contents).map(([path, text]) => [join(root, path), text]))),
  ],
];

describe.each(kinds)("files %s", (_name, open) => {
  const read = async (path: string, bytesMax = 100): Promise<string> =>
    new TextDecoder().decode(await open().read(join(root, path), { bytesMax }));

  it("are listed in the order of their names, without hidden ones", async () => {
    expect(await open().list(join(root, "state"), 10)).toEqual(["a.json", "b.json", "sub"]);
  });

  it("are read whole, empty ones too", async () => {
    expect(await read("state/a.json")).toBe("aé");
    expect(await read("empty.json")).toBe("");
  });

  it("are read up to the limit and not beyond", async () => {
    expect(await read("state/a.json", 3)).toBe("aé");
    expect(await kindOf(read("state/a.json", 2))).toBe("too-large");
    expect(await kindOf(open().list(join(root, "state"), 2))).toBe("too-large");
  });

  it.each([
    ["a directory that is missing", (files: Files) => files.list(join(root, "gone"), 10), "missing"],
    ["a directory that is a file", (files: Files) => files.list(join(root, "empty.json"), 10), "wrong-kind"],
    ["a file that is missing", (files: Files) => files.read(join(root, "gone.json"), { bytesMax: 9 }), "missing"],
    ["a file that is a directory", (files: Files) => files.read(join(root, "state"), { bytesMax: 9 }), "wrong-kind"],
    ["a file below a file", (files: Files) => files.read(join(root, "empty.json/x"), { bytesMax: 9 }), "wrong-kind"],
  ])("refuse %s", async (_what, act, kind) => {
    expect(await kindOf(act(open()))).toBe(kind);
  });
});

describe("files on the disk", () => {
  it("of 100 MB are refused without being read", async () => {
    const path = join(root, "huge.json");
    writeFileSync(path, "");
    truncateSync(path, 100 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    expect(await kindOf(diskFiles().read(path, { bytesMax: 1024 }))).toBe("too-large");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * 1024 * 1024);
  });

  it("that never end are refused at the limit", async () => {
    expect(await kindOf(diskFiles().read("/dev/zero", { bytesMax: 1024 }))).toBe("wrong-kind");
  });

  it("that claim no size are read by what they hold", async () => {
    const status = await diskFiles().read("/proc/self/status", { bytesMax: 100_000 });
    expect(new TextDecoder().decode(status)).toContain("Name:");
    expect(await kindOf(diskFiles().read("/proc/self/status", { bytesMax: 10 }))).toBe("too-large");
  });

  it("that are pipes do not keep the reader waiting", async () => {
    execFileSync("mkfifo", [join(root, "pipe.json")]);
    expect(await kindOf(diskFiles().read(join(root, "pipe.json"), { bytesMax: 10 }))).toBe("wrong-kind");
  });

  it("may be links within their directory, as mounted configuration has them, and not out of it", async () => {
    const files = onDisk();
    const state = join(root, "state");
    mkdirSync(join(state, "..data"));
    writeFileSync(join(state, "..data", "real.json"), "real");
    symlinkSync("..data/real.json", join(state, "linked.json"));
    symlinkSync("../empty.json", join(state, "outside.json"));
    symlinkSync("loop.json", join(state, "loop.json"));
    symlinkSync("nowhere", join(state, "broken.json"));
    const read = (name: string) => files.read(join(state, name), { bytesMax: 100, within: state });
    expect(new TextDecoder().decode(await read("linked.json"))).toBe("real");
    expect(await kindOf(read("outside.json"))).toBe("outside");
    expect(await kindOf(read("loop.json"))).toBe("failed");
    expect(await kindOf(read("broken.json"))).toBe("missing");
  });

  it("may stand in a directory that is itself a link", async () => {
    const files = onDisk();
    symlinkSync("state", join(root, "current"));
    const within = join(root, "current");
    expect((await files.read(join(within, "b.json"), { bytesMax: 9, within })).length).toBe(1);
  });

  it("that may not be read are told from missing ones", async () => {
    const files = onDisk();
    chmodSync(join(root, "empty.json"), 0);
    const userId = process.geteuid?.() ?? 1;
    // Root may read everything, so it is somebody else for a moment.
    if (userId === 0) process.seteuid?.(65_534);
    try {
      expect(await kindOf(files.read(join(root, "empty.json"), { bytesMax: 9 }))).toBe("denied");
    } finally {
      if (userId === 0) process.seteuid?.(0);
    }
  });
});

function onDisk(): Files {
  for (const [path, text] of Object.entries(contents)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return diskFiles();
}

async function kindOf(pending: Promise<unknown>): Promise<string> {
  try {
    await pending;
    return "none";
  } catch (error) {
    return error instanceof FilesError ? error.kind : String(error);
  }
}
