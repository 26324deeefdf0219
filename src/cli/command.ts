import type { Clock } from "../ports/clock.ts";
import type { Terminal } from "../ports/terminal.ts";
import type { SettingsChoice, Wiring } from "./wiring-types.ts";

/** One command of the program: how it is written, how it is explained, and what it does. */
export interface CommandDefinition {
  readonly name: string;
  /** One line in the list of commands. */
  readonly summary: string;
  readonly argument: ArgumentDefinition | null;
  readonly options: readonly OptionDefinition[];
  /** What is worth knowing before using it, as paragraphs. */
  readonly notes: readonly string[];
  /** Each a command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** Resolves to the exit code. */
  run(context: Context, given: Given): Promise<number>;
}

export interface ArgumentDefinition {
  /** `<service>`, `[service...]`, as commander writes it. */
  readonly form: string;
  readonly description: string;
  readonly kind: "service" | "file" | "choice";
  readonly choices?: readonly string[];
}

export interface OptionDefinition {
  /** `--for <duration>`, as commander writes it. */
  readonly form: string;
  readonly description: string;
}

/** What was written on the command line, besides what every command has. */
export interface Given {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What every command works with. */
export interface Context {
  readonly terminal: Terminal;
  readonly wiring: Wiring;
  readonly clock: Clock;
  readonly choice: SettingsChoice;
  readonly json: boolean;
  /** Names of all commands, for suggestions. */
  readonly commands: readonly string[];
}
