import { Command, CommanderError } from "commander";
import type { CommandDefinition, Context } from "./command.ts";
import { definitions, everywhere } from "./definitions.ts";
import { UsageError } from "./failures.ts";

/** Runs the command that `argv` names; resolves to its exit code. Rejects with `UsageError` and what commands reject with. */
export async function runProgram(argv: readonly string[], version: string, open: OpenContext): Promise<number> {
  const commands = definitions.map(({ name }) => name);
  let code = 0;
  const program = new Command("heal")
    .exitOverride()
    .configureOutput({ writeOut: open.write, writeErr: () => undefined, getOutHelpWidth: () => open.columns ?? 100 })
    .configureHelp({ showGlobalOptions: true })
    .description("Keeps containers at the number of healthy ones that desired-state files ask for.")
    .usage("[service...] [--dry-run] [--expect <hash>] | <command>")
    .version(version, "--version", "print the version")
    .helpOption("--help", "explain the program or a command")
    .addHelpText("after", overview);
  for (const { form, description } of everywhere) program.option(form, description);
  for (const definition of definitions) {
    add(program, definition, async (words, options) => {
      const { json, config, env } = program.opts<{ json?: true; config?: string; env?: string }>();
      const choice = { configPath: config ?? null, environment: env ?? null };
      code = await definition.run(open.context({ choice, json: json === true, commands }), { words, options });
    });
  }
  program.helpCommand(false);
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(error);
  }
  return code;
}

/** How the program comes by what it cannot make itself. */
export interface OpenContext {
  readonly context: (part: Pick<Context, "choice" | "json" | "commands">) => Context;
  readonly write: (text: string) => void;
  readonly columns: number | null;
}

type Act = (words: readonly string[], options: Readonly<Record<string, unknown>>) => Promise<void>;

/** `pass` is what is run when no command is named. */
function add(
  program: Command,
  { name, summary, argument, options, notes, examples }: CommandDefinition,
  act: Act,
): void {
  const command = program
    .command(name, { isDefault: name === "pass" })
    .summary(summary)
    .description(summary);
  command.helpOption("--help", "explain this command").allowExcessArguments(false);
  if (argument !== null) command.argument(argument.form, argument.description);
  for (const { form, description } of options) command.option(form, description);
  const paragraphs = notes.length === 0 ? "" : `\n${notes.join("\n")}\n`;
  const lines = examples.map(([line, effect]) => `  ${line}\n      ${effect}`);
  command.addHelpText("after", `${paragraphs}\nExamples:\n${lines.join("\n")}`);
  command.action(() => act(command.args, command.opts<Record<string, unknown>>()));
}

function usageError({ message, code }: CommanderError): UsageError {
  const [first = "", hint] = message.replace(/^error: /, "").split("\n");
  const advice =
    hint === undefined ? "`heal --help` lists what there is" : hint.replace(/^\((.*)\)$/, "$1").replace(/^Did/, "did");
  return new UsageError(code === "commander.help" ? "no command was named" : first, advice);
}

const overview = `
Without a command, \`heal\` makes one pass: it looks, heals what is missing, and reports.

Examples:
  heal --dry-run
      what would be done, and why
  heal
      do it; the exit code is the worst status afterwards
  heal status
      how everything stands
  heal why web
      why web stands as it does

Exit codes: 0 passing, 1 warning, 2 critical, 3 unknown; 64 usage, 65 the plan has changed,
69 Consul, Docker or the daemon cannot be asked, 70 a bug in heal, 73 something is there already,
75 another heal holds the lock, 77 not permitted, 78 configuration, 130 interrupted.`;
