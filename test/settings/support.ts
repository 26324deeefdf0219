import { readFileSync } from "node:fs";
import { formatProblem } from "../../src/model/problem.ts";
import { loadSettings } from "../../src/settings/load-settings.ts";
import type { LoadedSettings, SettingsOptions } from "../../src/settings/load-settings.ts";
import type { Settings } from "../../src/settings/settings.ts";
import { memoryFiles } from "../desired/support/memory-files.ts";

/** The example of every section, with the secrets and certificates that it refers to. */
export const shop = {
  "/shop/heal.json": readFileSync(new URL("../fixtures/shop/heal.json", import.meta.url), "utf8"),
  "/shop/secrets/consul-token": "b1gs33cr3t\n",
  "/shop/certs/h2/ca.pem": "CA",
  "/shop/certs/h2/cert.pem": "CERT",
  "/shop/certs/h2/key.pem": "KEY",
  "/shop/sms.liquid": "{{ title }}",
};

export const shopVariables = {
  DINGTALK_URL: "https://oapi.example/robot/send?access_token=x",
  DINGTALK_SECRET: "SEC1",
};

type Contents = Readonly<Record<string, string>>;

export function load(contents: Contents, changes: Partial<SettingsOptions> = {}): Promise<LoadedSettings> {
  return loadSettings(memoryFiles(contents), {
    variables: {},
    workingDirectory: "/shop",
    homeDirectory: "/home/me",
    isRoot: true,
    userId: 0,
    configPath: null,
    environment: null,
    ...changes,
  });
}

/** Settings from one `heal.json`; fails the test when they are not valid. */
export async function settingsOf(
  file: unknown,
  changes: Partial<SettingsOptions> = {},
  others: Contents = {},
): Promise<Settings> {
  const loaded = await load({ ...others, ...(file === null ? {} : { "/shop/heal.json": textOf(file) }) }, changes);
  if (loaded.kind === "invalid") throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.settings;
}

/** Problems of one `heal.json`, as a person sees them; none when it is valid. */
export async function problemsOf(
  file: unknown,
  changes: Partial<SettingsOptions> = {},
  others: Contents = {},
): Promise<readonly string[]> {
  const loaded = await load({ ...others, ...(file === null ? {} : { "/shop/heal.json": textOf(file) }) }, changes);
  return loaded.kind === "valid" ? [] : loaded.problems.map(formatProblem);
}

function textOf(file: unknown): string {
  return typeof file === "string" ? file : JSON.stringify(file, null, 2);
}
