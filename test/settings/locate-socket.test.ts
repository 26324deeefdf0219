import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFiles } from "../../src/adapters/files/disk-files.ts";
import { loadSettings } from "../../src/settings/load-settings.ts";
import type { SettingsOptions } from "../../src/settings/load-settings.ts";
import { locateSocket } from "../../src/settings/locate-socket.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "locate-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function options(part: Partial<SettingsOptions> = {}): SettingsOptions {
  return {
    configPath: null,
    environment: null,
    variables: {},
    workingDirectory: directory,
    homeDirectory: directory,
    isRoot: false,
    userId: 1000,
    ...part,
  };
}

function writeConfig(content: unknown): void {
  writeFileSync(join(directory, "heal.json"), typeof content === "string" ? content : JSON.stringify(content));
}

describe("the socket is where the settings proper would find it", () => {
  const twoEnvironments = { environments: { live: {}, test: { server: { socket: "run/test.sock" } } } };
  const cases: readonly (readonly [string, unknown, Partial<SettingsOptions>])[] = [
    ["without a file, for root", null, { isRoot: true, userId: 0 }],
    ["without a file, for a user", null, {}],
    ["in XDG_RUNTIME_DIR", null, { variables: { XDG_RUNTIME_DIR: "/run/user/1000" } }],
    ["with the only environment of the file", { environments: { live: {} } }, {}],
    ["with the file's default", { ...twoEnvironments, defaultEnvironment: "live" }, {}],
    ["with --env", twoEnvironments, { environment: "test" }],
    ["with HEAL_ENV", twoEnvironments, { variables: { HEAL_ENV: "live" } }],
    [
      "with a socket for all environments",
      { ...twoEnvironments, server: { socket: "/run/x.sock" } },
      { environment: "live" },
    ],
    ["after a byte order mark", `\ufeff{ "environments": { "live": {} } }`, {}],
  ];
  it.each(cases)("%s", async (_, content, part) => {
    if (content !== null) writeConfig(content);
    const loaded = await loadSettings(diskFiles(), options(part));
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
    expect(locateSocket(options(part))).toEqual({
      environment: loaded.settings.environment,
      socketPath: loaded.settings.server.socketPath,
    });
  });
});

describe("with any doubt it is left to the settings proper", () => {
  const cases: readonly (readonly [string, unknown, Partial<SettingsOptions>])[] = [
    ["a file that is no JSON", "{", {}],
    ["a file that is no object", "[]", {}],
    ["environments of another kind", { environments: ["live"] }, {}],
    ["a socket of another kind", { server: { socket: 7 } }, {}],
    ["several environments and no choice", { environments: { a: {}, b: {} } }, {}],
    ["an unknown environment", { environments: { live: {} } }, { environment: "liv" }],
    ["a named file that is missing", null, { configPath: "other.json" }],
    ["a directory in its place", null, { configPath: "." }],
  ];
  it.each(cases)("%s", (_, content, part) => {
    if (content !== null) writeConfig(content);
    expect(locateSocket(options(part))).toBeNull();
  });
});
