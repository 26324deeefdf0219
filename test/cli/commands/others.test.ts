import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFiles } from "../../../src/adapters/files/disk-files.ts";
import { loadDesiredState } from "../../../src/desired/load-desired-state.ts";
import { InUse } from "../../../src/ports/controller.ts";
import { loadSettings } from "../../../src/settings/load-settings.ts";
import { fakeController } from "../support/fake-controller.ts";
import { runHeal } from "../support/run-heal.ts";

const problem = {
  file: "desired-state/web.json",
  line: 3,
  column: 5,
  message: 'unknown key "cuont"',
  expected: '"count"',
};

describe("heal validate", () => {
  it("says how much is valid", async () => {
    const asked: unknown[] = [];
    const validate = async (...given: readonly unknown[]) => {
      asked.push(given);
      return { version: 1, environment: "live", problems: [], warnings: [], services: 2, sources: {} } as const;
    };
    const { code, out } = await runHeal(["validate", "a.json", "--env", "live"], { wiring: { validate } });
    expect([code, out]).toEqual([0, "valid: 2 services in live\n"]);
    expect(asked).toEqual([[{ configPath: null, environment: "live" }, ["a.json"]]]);
  });

  it("gives every error as a place that editors can open, and warnings apart", async () => {
    const warning = { ...problem, message: "the channel ops-chat has no key\u001b[2J", expected: null };
    const report = {
      version: 1,
      environment: null,
      problems: [problem],
      warnings: [warning],
      services: 0,
      sources: {},
    } as const;
    const wiring = { validate: async () => report };
    const { code, out } = await runHeal(["validate"], { wiring });
    expect([code, out]).toEqual([
      78,
      'desired-state/web.json:3:5: unknown key "cuont" (expected "count")\n' +
        "warning: desired-state/web.json:3:5: the channel ops-chat has no key\n1 error\n",
    ]);
    expect(JSON.parse((await runHeal(["validate", "--json"], { wiring })).out)).toEqual(report);
  });
});

describe("heal run", () => {
  it.each([
    [["run"], false],
    [["run", "--dry-run"], true],
  ])("%j runs the daemon until it has stopped", async (argv, shadow) => {
    const options: unknown[] = [];
    const runDaemon = async (_: unknown, given: unknown) => void options.push(given);
    expect((await runHeal(argv, { wiring: { runDaemon } })).code).toBe(0);
    expect(options).toEqual([{ shadow }]);
  });

  it("says that another one runs already", async () => {
    const runDaemon = async () =>
      Promise.reject(new InUse("a daemon of this environment runs on this machine already"));
    const { code, err } = await runHeal(["run"], { wiring: { runDaemon } });
    expect([code, err]).toEqual([73, "heal: a daemon of this environment runs on this machine already\n"]);
  });
});

describe("heal init", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "heal-init-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const found = [
    { runtime: "swarm", name: "web", composeService: null, running: 3 },
    { runtime: "swarm", name: "shop_api", composeService: null, running: 2 },
    { runtime: "compose", name: "blog", composeService: "app", running: 1 },
    { runtime: "compose", name: "wiki", composeService: "app", running: 2 },
    { runtime: "compose", name: "wiki", composeService: "db", running: 1 },
    { runtime: "compose", name: "WEB", composeService: "app", running: 1 },
  ] as const;

  it("asks for what runs, in files that are valid", async () => {
    const wiring = { discover: async () => ({ services: found, notes: ["h1 answers"] }) };
    const { code, out } = await runHeal(["init", directory, "--json"], { wiring });
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      {
        written: [join(directory, "heal.json"), join(directory, "desired-state/services.json")],
        services: ["web", "shop-api", "blog", "wiki-app", "wiki-db"],
        notes: ["h1 answers", expect.stringContaining("compose WEB/app is left out")],
      },
    ]);
    const desired = await loaded();
    expect(
      Object.values(desired)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, count, runtime, adopt }) => ({ name, count, runtime, ...adopt })),
    ).toEqual([
      {
        name: "blog",
        count: 1,
        runtime: "compose",
        swarmService: "blog",
        composeProject: "blog",
        composeService: null,
      },
      {
        name: "shop-api",
        count: 2,
        runtime: "swarm",
        swarmService: "shop_api",
        composeProject: "shop-api",
        composeService: null,
      },
      { name: "web", count: 3, runtime: "swarm", swarmService: "web", composeProject: "web", composeService: null },
      {
        name: "wiki-app",
        count: 2,
        runtime: "compose",
        swarmService: "wiki-app",
        composeProject: "wiki",
        composeService: "app",
      },
      {
        name: "wiki-db",
        count: 1,
        runtime: "compose",
        swarmService: "wiki-db",
        composeProject: "wiki",
        composeService: "db",
      },
    ]);
  });

  it("with nothing to adopt writes files that ask for nothing", async () => {
    const { code, out } = await runHeal(["init", directory]);
    expect(code).toBe(0);
    expect(out).toContain("name your services in desired-state/services.json");
    expect(await loaded()).toEqual({});
  });

  it("touches no file that is there, and then writes none", async () => {
    writeFileSync(join(directory, "heal.json"), "mine");
    const { code, err } = await runHeal(["init", directory]);
    expect([code, err]).toEqual([73, `heal: ${join(directory, "heal.json")} is there already; nothing was written\n`]);
    expect(readFileSync(join(directory, "heal.json"), "utf8")).toBe("mine");
    expect(existsSync(join(directory, "desired-state"))).toBe(false);
  });

  it("says where it cannot write", async () => {
    writeFileSync(join(directory, "file"), "");
    const { code, err } = await runHeal(["init", join(directory, "file")]);
    expect([code, err]).toEqual([77, expect.stringContaining("cannot be written")]);
  });

  async function loaded() {
    const facts = { variables: {}, workingDirectory: directory, homeDirectory: "/root", isRoot: true, userId: 0 };
    const settings = await loadSettings(diskFiles(), { ...facts, configPath: null, environment: null });
    if (settings.kind === "invalid") throw new Error(JSON.stringify(settings.problems));
    const desired = await loadDesiredState(diskFiles(), settings.settings);
    if (desired.kind === "invalid") throw new Error(JSON.stringify(desired.problems));
    return desired.desired.services;
  }
});

describe("heal completion", () => {
  it.each([
    ["bash", "complete -F __heal_complete heal"],
    ["zsh", "#compdef heal"],
    ["fish", "complete -c heal"],
  ])("gives a script for %s", async (shell, line) => {
    const { code, out } = await runHeal(["completion", shell]);
    expect(code).toBe(0);
    expect(out).toContain(line);
  });

  it("knows no other shell", async () => {
    const { code, err } = await runHeal(["completion", "tcsh"]);
    expect([code, err]).toEqual([64, 'heal: there is no completion for "tcsh"\n      for bash, zsh, fish\n']);
  });

  const completed = async (...words: string[]) => {
    const { out, code } = await runHeal(["complete", "--", ...words], { daemon: fakeController() });
    expect(code).toBe(0);
    return out
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith(":"))
      .map((line) => line.split("\t")[0]);
  };

  it("completes commands, options, services and shells", async () => {
    expect(await completed("st")).toEqual(["status"]);
    expect(await completed("why", "")).toEqual(["web", "api"]);
    expect(await completed("status", "w")).toEqual(["web"]);
    expect(await completed("pause", "web", "--f")).toEqual(["--for"]);
    expect(await completed("completion", "z")).toEqual(["zsh"]);
    expect(await completed("--dr")).toEqual(["--dry-run"]);
    expect(await completed("")).toEqual(expect.arrayContaining(["status", "run", "web", "api"]));
  });

  it("is silent when nobody can be asked", async () => {
    const wiring = { loadSettings: async () => Promise.reject(new Error("no such file")) };
    const { out, code, err } = await runHeal(["complete", "--", "why", ""], { wiring });
    expect([code, out.trim(), err]).toEqual([0, ":4", ""]);
  });
});
