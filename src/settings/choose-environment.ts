import { closest } from "../model/closest.ts";
import { settingsDefaults } from "./defaults.ts";
import type { SettingsFile } from "./schema.ts";

export type Choice =
  | { readonly kind: "chosen"; readonly name: string }
  | {
      readonly kind: "unknown";
      readonly source: "asked" | "variable" | "file";
      readonly message: string;
      readonly expected: string;
    };

/**
 * The environment that `--env` names, else `HEAL_ENV`, else the file's default, else the only one. A name that does not
 * exist is never taken for a new, empty environment.
 */
export function chooseEnvironment(file: SettingsFile, asked: string | null, variable: string | null): Choice {
  const names = Object.keys(file.environments ?? { [settingsDefaults.environment]: {} });
  const source = asked === null ? (variable === null ? "file" : "variable") : "asked";
  const name = asked ?? variable ?? file.defaultEnvironment ?? (names.length === 1 ? names[0] : undefined);
  const expected = `one of ${names.join(", ")}`;
  if (name === undefined)
    return { kind: "unknown", source, message: "there are several environments and none is chosen", expected };
  if (names.includes(name)) return { kind: "chosen", name };
  const meant = closest(name, names);
  const hint = meant === null ? "" : `: did you mean "${meant}"?`;
  return { kind: "unknown", source, message: `there is no environment ${JSON.stringify(name)}${hint}`, expected };
}
