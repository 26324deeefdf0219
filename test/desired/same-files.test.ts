import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFiles } from "../../src/adapters/files/disk-files.ts";
import { openDesiredStateLoader } from "../../src/desired/same-files.ts";
import { options } from "./support/load.ts";

describe("a desired state that is loaded again", () => {
  let root: string;
  let load: ReturnType<typeof openDesiredStateLoader>;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "heal-desired-"));
    writeFileSync(join(root, "web.json"), asking("web", 3));
    load = openDesiredStateLoader(diskFiles(), { ...options, desiredState: [root] });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("is the very same as long as its files are", async () => {
    const first = await load();
    expect(first.kind).toBe("valid");
    writeFileSync(join(root, "web.json"), asking("web", 3));
    writeFileSync(join(root, "README.md"), "# State");
    expect(await load()).toBe(first);
  });

  it.each([
    ["holds something else", () => writeFileSync(join(root, "web.json"), asking("web", 4)), ["web"]],
    ["has come", () => writeFileSync(join(root, "api.json"), asking("api", 1)), ["api", "web"]],
  ])("is another one when a file %s", async (_what, change, expected) => {
    const first = await load();
    change();
    const second = await load();
    expect(second).not.toBe(first);
    expect(second.kind === "valid" && Object.keys(second.desired.services).toSorted()).toEqual(expected);
  });

  it("says what is wrong as often as it is asked, and takes up what has been mended", async () => {
    mkdirSync(join(root, "api.json"));
    expect((await load()).kind).toBe("invalid");
    expect((await load()).kind).toBe("invalid");
    rmSync(join(root, "api.json"), { recursive: true });
    expect((await load()).kind).toBe("valid");
  });
});

function asking(name: string, count: number): string {
  return JSON.stringify({ services: { [name]: { count } } });
}
