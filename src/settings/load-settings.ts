import { dirname, resolve } from "node:path";
import type { Finding, JsonPath } from "../json/finding.ts";
import { mergePatch } from "../json/merge-patch.ts";
import { parseDocument } from "../json/parse-document.ts";
import type { JsonDocument } from "../json/parse-document.ts";
import type { Problem } from "../model/problem.ts";
import type { Files } from "../ports/files.ts";
import { FilesError } from "../ports/files.ts";
import { alertSettings } from "./alerts.ts";
import { chooseEnvironment } from "./choose-environment.ts";
import { consulSettings } from "./consul.ts";
import { settingsDefaults as defaults } from "./defaults.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { validate } from "./generated/validate.js";
import { hostSettings } from "./hosts.ts";
import type { ProcessFacts } from "./process-facts.ts";
import type { Reading } from "./reading.ts";
import { checkSchedule } from "./schedule.ts";
import type { EnvironmentFile, SettingsFile } from "./schema.ts";
import { serverSettings } from "./server.ts";
import type { Settings } from "./settings.ts";
import { timezoneOf } from "./timezone.ts";
import { milliseconds, tuningSettings } from "./tuning.ts";

export interface SettingsOptions extends ProcessFacts {
  /** `--config`; null: `HEAL_CONFIG`, else `heal.json` in the working directory if there is one. */
  readonly configPath: string | null;
  /** `--env`; null: `HEAL_ENV`, else the file's own choice. */
  readonly environment: string | null;
}

export type LoadedSettings =
  | {
      readonly kind: "valid";
      readonly settings: Settings;
      /** What `heal` can do without, such as the key of one alert channel. */
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/**
 * Reads `heal.json` and the environment variables of Consul, Docker and `heal` for one environment. Everything that is
 * wrong is told at once; secrets are read, and show nowhere.
 */
export async function loadSettings(files: Files, options: SettingsOptions): Promise<LoadedSettings> {
  const read = await readConfig(files, options);
  if (read.kind === "broken") return { kind: "invalid", problems: read.problems };
  const { document } = read;
  const content = document?.value ?? {};
  if (!validate(content)) return { kind: "invalid", problems: await explained(validate.errors, document) };
  const choice = chooseEnvironment(content, options.environment, options.variables["HEAL_ENV"] || null);
  if (choice.kind === "unknown") {
    const { source, message, expected } = choice;
    const path =
      source === "file" && content.defaultEnvironment !== undefined ? ["defaultEnvironment"] : ["environments"];
    if (source === "file")
      return { kind: "invalid", problems: await placed(document, [{ path, at: "value", message, expected }]) };
    return { kind: "invalid", problems: [{ ...start(source === "asked" ? "--env" : "$HEAL_ENV"), message, expected }] };
  }
  return assemble(files, options, document, content, choice.name);
}

type ReadConfig =
  | { readonly kind: "read"; readonly document: JsonDocument | null }
  | { readonly kind: "broken"; readonly problems: readonly Problem[] };

async function readConfig(
  files: Files,
  { configPath, variables, workingDirectory }: SettingsOptions,
): Promise<ReadConfig> {
  const named = configPath ?? (variables["HEAL_CONFIG"] || null);
  const path = resolve(workingDirectory, named ?? "heal.json");
  try {
    const parsed = await parseDocument(path, await files.read(path, { bytesMax: configBytesMax }), depthMax);
    return parsed.kind === "broken" ? parsed : { kind: "read", document: parsed.document };
  } catch (error) {
    if (!(error instanceof FilesError)) throw error;
    if (error.kind === "missing" && named === null) return { kind: "read", document: null };
    return { kind: "broken", problems: [{ ...start(path), message: error.message, expected: "a settings file" }] };
  }
}

const configBytesMax = 4 * 1024 * 1024;
const depthMax = 32;

async function assemble(
  files: Files,
  options: SettingsOptions,
  document: JsonDocument | null,
  content: SettingsFile,
  environment: string,
): Promise<LoadedSettings> {
  const { $schema: _schema, defaultEnvironment: _default, environments, ...shared } = content;
  const file = mergePatch(shared, environments?.[environment] ?? {}) as EnvironmentFile;
  const baseDirectory = document === null ? options.workingDirectory : dirname(document.file);
  const wrong: Finding[] = [];
  const warned: Finding[] = [];
  const inVariables: Problem[] = [];
  const into =
    (findings: Finding[]) =>
    (path: JsonPath, message: string, expected: string | null = null) => {
      findings.push({ path: ["environments", environment, ...path], at: "value", message, expected });
    };
  const reading: Reading = {
    files,
    facts: options,
    baseDirectory,
    wrong: into(wrong),
    warn: into(warned),
    wrongVariable: (name, message, expected = null) => inVariables.push({ ...start(`$${name}`), message, expected }),
  };
  const consul = await consulSettings(reading, file.consul);
  const settings: Settings = {
    environment,
    environments: Object.keys(environments ?? { [environment]: {} }),
    configFile: document?.file ?? null,
    baseDirectory,
    consul,
    hosts: await hostSettings(reading, file.hosts, consul.address),
    desiredState: (file.desiredState ?? [defaults.desiredState]).map((directory) => resolve(baseDirectory, directory)),
    resync: {
      schedule: await checkSchedule(reading, file.resync?.schedule),
      timezone: timezoneOf(reading, ["resync", "timezone"], file.resync?.timezone),
    },
    server: await serverSettings(reading, environment, file.server),
    policy: { allow: file.policy?.allow ?? [] },
    alerts: await alertSettings(reading, file.alerts),
    leadership: {
      checkTtlMs: milliseconds(file.leadership?.checkTtl ?? defaults.checkTtl),
      lockDelayMs: milliseconds(file.leadership?.lockDelay ?? defaults.lockDelay),
    },
    tuning: tuningSettings(reading, file),
    startsPerHost: file.healing?.startsPerHost ?? defaults.startsPerHost,
    log: { level: file.log?.level ?? defaults.logLevel },
  };
  const problems = [...inVariables, ...(await placed(document, wrong))];
  if (problems.length > 0) return { kind: "invalid", problems };
  return { kind: "valid", settings: deepFreeze(settings), warnings: await placed(document, warned) };
}

async function explained(errors: typeof validate.errors, document: JsonDocument | null): Promise<readonly Problem[]> {
  const { explainErrors } = await import("../json/explain-errors.ts");
  return placed(document, explainErrors((errors ?? []).slice(0, problemsMax)));
}

const problemsMax = 100;

/** A section stands in its environment, or at the top for all of them. */
async function placed(document: JsonDocument | null, findings: readonly Finding[]): Promise<readonly Problem[]> {
  if (findings.length === 0) return [];
  if (document === null) return findings.map(({ message, expected }) => ({ ...start("heal.json"), message, expected }));
  const { locator, problemAt } = await import("../json/locate.ts");
  const locate = locator();
  const depth = (path: JsonPath): number => {
    let length = path.length;
    while (length > 0 && !locate.has(document, path.slice(0, length))) length--;
    return length;
  };
  return findings
    .map((found) => {
      const inEnvironment = found.path.length > 2 && found.path[0] === "environments";
      const atTop = inEnvironment ? found.path.slice(2) : found.path;
      const shared = inEnvironment && depth(atTop) > depth(found.path) - 2;
      return problemAt(locate, document, shared ? { ...found, path: atTop } : found);
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function start(file: string): Pick<Problem, "file" | "line" | "column"> {
  return { file, line: 1, column: 1 };
}
