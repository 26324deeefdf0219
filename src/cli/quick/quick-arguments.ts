import type { SettingsChoice } from "../wiring-types.ts";

/** A command line of the two commands that Consul runs again and again. */
export interface QuickArguments {
  readonly command: "check" | "watch";
  readonly service: string | null;
  readonly json: boolean;
  readonly choice: SettingsChoice;
}

/**
 * Understands the plain forms of `heal check` and `heal watch`, without the parser that all commands share; null for
 * everything else, mistakes included, which that parser then takes or explains.
 */
export function quickArguments(argv: readonly string[]): QuickArguments | null {
  const [command, ...rest] = argv;
  if (command !== "check" && command !== "watch") return null;
  const found = {
    service: null as string | null,
    json: false,
    configPath: null as string | null,
    environment: null as string | null,
  };
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? "";
    if (word === "--json") found.json = true;
    else if (word === "--config" || word === "--env") {
      const value = rest[(at += 1)];
      if (value === undefined || value.startsWith("-")) return null;
      found[word === "--config" ? "configPath" : "environment"] = value;
    } else if (word.startsWith("-") || command === "watch" || found.service !== null) return null;
    else found.service = word;
  }
  const { service, json, configPath, environment } = found;
  return { command, service, json, choice: { configPath, environment } };
}
