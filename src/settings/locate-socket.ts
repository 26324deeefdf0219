import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isObject } from "../json/merge-patch.ts";
import { chooseEnvironment } from "./choose-environment.ts";
import type { SettingsOptions } from "./load-settings.ts";
import { standardSocket } from "./server.ts";

export interface SocketPlace {
  readonly environment: string;
  readonly socketPath: string;
}

/**
 * Where the daemon's socket is, found without loading and validating all settings, for commands that must answer at
 * once. null whenever there is any doubt: the settings proper then say what is wrong.
 */
export function locateSocket(options: SettingsOptions): SocketPlace | null {
  const { configPath, variables, workingDirectory } = options;
  const named = configPath ?? (variables["HEAL_CONFIG"] || null);
  const path = resolve(workingDirectory, named ?? "heal.json");
  const content = readObject(path, named === null);
  if (content === null) return null;
  const choice = chooseEnvironment(content, options.environment, variables["HEAL_ENV"] || null);
  if (choice.kind === "unknown") return null;
  const socket = socketIn(sectionIn(content["environments"], choice.name)) ?? socketIn(content);
  if (typeof socket !== "string" && socket !== undefined) return null;
  const socketPath = socket === undefined ? standardSocket(options, choice.name) : resolve(dirname(path), socket);
  return { environment: choice.name, socketPath };
}

function readObject(path: string, mayBeMissing: boolean): Readonly<Record<string, unknown>> | null {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return mayBeMissing ? {} : null;
    if (!stat.isFile() || stat.size > configBytesMax) return null;
    const content: unknown = JSON.parse(readFileSync(path, "utf8").replace(/^\ufeff/, ""));
    return isObject(content) && (content["environments"] === undefined || isObject(content["environments"]))
      ? content
      : null;
  } catch {
    return null;
  }
}

const configBytesMax = 4 * 1024 * 1024;

function sectionIn(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function socketIn(section: unknown): unknown {
  return sectionIn(sectionIn(section, "server"), "socket");
}
