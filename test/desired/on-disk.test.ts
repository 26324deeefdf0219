import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFiles } from "../../src/adapters/files/disk-files.ts";
import { loadDesiredState } from "../../src/desired/load-desired-state.ts";
import { formatProblem } from "../../src/model/problem.ts";
import { options } from "./support/load.ts";

const fine = '{ "services": { "web": { "count": 3 } } }';

describe("a desired state on the disk", () => {
  let root: string;
  let state: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "heal-desired-"));
    state = join(root, "state");
    mkdirSync(state);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const problems = async (): Promise<readonly string[]> => {
    const loaded = await loadDesiredState(diskFiles(), { ...options, desiredState: [state] });
    return loaded.kind === "valid" ? [] : loaded.problems.map(formatProblem);
  };

  it("is read, hidden files and others left alone", async () => {
    writeFileSync(join(state, "web.json"), fine);
    writeFileSync(join(state, ".web.json.swp"), "\u0000");
    writeFileSync(join(state, "README.md"), "# State");
    mkdirSync(join(state, "old"));
    expect(await problems()).toEqual([]);
  });

  it("may be mounted as a directory of links that are turned all at once", async () => {
    mkdirSync(join(state, "..2024"));
    writeFileSync(join(state, "..2024", "web.json"), fine);
    symlinkSync("..2024", join(state, "..data"));
    symlinkSync("..data/web.json", join(state, "web.json"));
    expect(await problems()).toEqual([]);
  });

  it("may not be fetched from elsewhere by a link", async () => {
    writeFileSync(join(root, "web.json"), fine);
    symlinkSync("../web.json", join(state, "web.json"));
    expect(await problems()).toEqual([
      expect.stringMatching(/web\.json:1:1: is a symbolic link to .*, outside of its directory/),
    ]);
  });

  it.each<[string, (path: string) => void, string]>([
    ["a link to nothing", (path) => symlinkSync("nothing", path), "does not exist"],
    ["a link to itself", (path) => symlinkSync("bad.json", path), "is a symbolic link that leads back to itself"],
    ["a pipe", (path) => execFileSync("mkfifo", [path]), "is not a regular file"],
    ["a directory", (path) => mkdirSync(path), "is not a regular file"],
    [
      "a file of 100 MB",
      (path) => writeFileSync(path, "") ?? truncateSync(path, 100 * 2 ** 20),
      "104857600 bytes, more than the 16777216 that are read",
    ],
    ["an empty file", (path) => writeFileSync(path, ""), "the file is empty"],
    [
      "a file of zeros",
      (path) => writeFileSync(path, "") ?? truncateSync(path, 4096),
      "a control character (U+0000) stands here",
    ],
    ["a file that is half written", (path) => writeFileSync(path, fine.slice(0, 30)), "the file ends here, half-way"],
  ])("is refused whole for %s", async (_what, make, problem) => {
    writeFileSync(join(state, "good.json"), fine);
    make(join(state, "bad.json"));
    expect(await problems()).toEqual([expect.stringContaining(`${join(state, "bad.json")}:1:`)]);
    expect((await problems())[0]).toContain(problem);
  });

  it("is refused when its directory is deleted", async () => {
    rmSync(state, { recursive: true });
    expect(await problems()).toEqual([`${state}:1:1: does not exist (expected a directory with desired-state files)`]);
  });
});
