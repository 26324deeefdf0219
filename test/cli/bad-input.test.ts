import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { validate } from "../../src/wiring/validate.ts";
import { fakeController } from "./support/fake-controller.ts";
import { runHeal } from "./support/run-heal.ts";

/** docs/bad-input.md says what heal answers to each of these; here that is made and asked for. */
const page = readFileSync(new URL("../../docs/bad-input.md", import.meta.url), "utf8");

/** The rows of the table under a heading: what is wrong, the exit code, what heal says. */
function rows(heading: string): readonly (readonly [string, number, string])[] {
  const table = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...table.matchAll(/^\| (.+?) \| (\d+) \| (.*?) \|$/gm)].map(
    ([, wrong = "", code = "", says = ""]) => [wrong, Number(code), says.replaceAll(/^`|`$/g, "")] as const,
  );
}

const fine = '{ "services": { "web": { "count": 3 } } }';
const write =
  (text: string | Uint8Array) =>
  (path: string): void =>
    writeFileSync(path, text);

const files: Readonly<Record<string, (path: string) => unknown>> = {
  "half written": write(fine.slice(0, 30)),
  empty: write(""),
  "`{}`": write("{}"),
  "with a byte order mark": write(`\uFEFF${fine}`),
  "in UTF-16": write(Buffer.from(fine, "utf16le")),
  "with a key twice": write('{ "services": { "web": { "count": 3 }, "web": { "count": 1 } } }'),
  "with an unknown key": write('{ "services": { "web": { "count": 3, "sirplus": {} } } }'),
  "with a wrong type": write('{ "services": { "web": { "count": "3" } } }'),
  "100 MB long": (path) => writeFileSync(path, "") ?? truncateSync(path, 100 * 2 ** 20),
  "100 000 levels deep": write("[".repeat(100_000) + "]".repeat(100_000)),
  "with `__proto__`": write('{ "services": { "__proto__": { "count": 1 } } }'),
  "with a NUL": write('{ "services": { "web\u0000": { "count": 1 } } }'),
  "a link out of its directory": (path) => symlinkSync("/etc/hostname", path),
  "a link to nothing": (path) => symlinkSync("nothing", path),
  "a pipe": (path) => execFileSync("mkfifo", [path]),
  "deleted with its directory": (path) => rmSync(join(path, ".."), { recursive: true }),
};

describe("a desired-state file that is", () => {
  const root = mkdtempSync(join(tmpdir(), "heal-bad-input-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("in the table is made here, and the other way round", () => {
    expect(rows("Files").map(([wrong]) => wrong)).toEqual(Object.keys(files));
  });

  it.each(rows("Files"))("%s", async (wrong, expectedCode, says) => {
    const directory = mkdtempSync(join(root, "site-"));
    const state = join(directory, "state");
    mkdirSync(state);
    writeFileSync(join(directory, "heal.json"), '{ "environments": { "live": { "desiredState": ["state"] } } }');
    files[wrong]?.(join(state, "web.json"));
    const argv = ["validate", "--config", join(directory, "heal.json")];
    const { code, out, err } = await runHeal(argv, { wiring: { validate } });
    const [first = ""] = `${err}${out}`.split("\n");
    expect([code, first.replaceAll(`${state}/`, "").replaceAll(directory, "…")]).toEqual([expectedCode, says]);
  });
});

const words: Readonly<Record<string, readonly string[]>> = {
  "a mistyped command": ["statsu"],
  "a mistyped service": ["why", "wbe"],
  "an unknown option": ["status", "--fast"],
  "a mistyped option": ["--dry-rnu"],
  "an option without its value": ["pause", "web", "--for"],
  "a duration that is none": ["pause", "web", "--for", "soon"],
  "one word too many": ["why", "web", "api"],
  "one word too few": ["why"],
  "control characters": ["why", "\u001b[2J\u0007web\nheal: all is well"],
  "a hash that is none": ["--expect", "; rm -rf /"],
};

describe("on the command line", () => {
  it("what is in the table is typed here, and the other way round", () => {
    expect(rows("Arguments").map(([wrong]) => wrong)).toEqual(Object.keys(words));
  });

  it.each(rows("Arguments"))("%s", async (wrong, expectedCode, says) => {
    const { code, out, err } = await runHeal(words[wrong] ?? [], { oneShot: fakeController() });
    expect(out).toBe("");
    expect([
      code,
      err
        .trimEnd()
        .split("\n")
        .map((line) => line.trim())
        .join(" – "),
    ]).toEqual([expectedCode, says]);
  });
});

const inputs: Readonly<Record<string, string | null>> = {
  nothing: "",
  "`null`, as of a key prefix without keys": "null",
  "no JSON": "; rm -rf /",
  "JSON cut off": '[{"ServiceName":',
  "more than 16 MB": null,
  "100 000 levels": "[".repeat(100_000),
  "a NUL": "\u0000",
  "`__proto__`": '[{"__proto__":{"ServiceName":"web"}}]',
  "an option for a name": '[{"ServiceName":"--dry-run"}]',
};

describe("on the standard input of heal watch", () => {
  it("what is in the table is given here, and the other way round", () => {
    expect(rows("Standard input").map(([wrong]) => wrong)).toEqual(Object.keys(inputs));
  });

  it.each(rows("Standard input"))("%s makes it look at everything, in silence", async (wrong, code, says) => {
    const oneShot = fakeController();
    const readInput = async () => inputs[wrong] ?? null;
    const outcome = await runHeal(["watch"], { oneShot, terminal: { readInput } });
    expect([outcome.code, outcome.out + outcome.err, oneShot.calls]).toEqual([code, "", [["pass", [], null]]]);
    expect(says).toBe("nothing");
  });
});
