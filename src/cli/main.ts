import type { Clock } from "../ports/clock.ts";
import type { Terminal } from "../ports/terminal.ts";
import { runProgram } from "./program.ts";
import { tellFailure } from "./tell-failure.ts";
import type { Wiring } from "./wiring-types.ts";

export interface MainDeps {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly wiring: Wiring;
  readonly version: string;
}

/** The command line: arguments in, exit code out. Never rejects. */
export async function main(argv: readonly string[], deps: MainDeps): Promise<number> {
  const { terminal, clock, wiring, version } = deps;
  try {
    if (argv[0] === "complete" && argv[1] === "--") return await complete(argv.slice(2), deps);
    return await runProgram(argv, version, {
      context: (part) => ({ terminal, clock, wiring, ...part }),
      write: (text) => terminal.out(text),
      columns: terminal.outColumns,
    });
  } catch (error) {
    return tellFailure(error, terminal, argv.includes("--json"));
  }
}

/** What shells' completion scripts call. Silent about everything that goes wrong: nobody asked for an answer. */
async function complete(words: readonly string[], { terminal, wiring }: MainDeps): Promise<number> {
  const { completeWords } = await import("./complete-words.ts");
  const { definitions, everywhere } = await import("./definitions.ts");
  terminal.out(completeWords(words, definitions, everywhere, await desiredServices(words, wiring)));
  return 0;
}

async function desiredServices(words: readonly string[], wiring: Wiring): Promise<readonly string[]> {
  const after = (option: string): string | null => words[words.indexOf(option) + 1] ?? null;
  const choice = {
    configPath: words.includes("--config") ? after("--config") : null,
    environment: words.includes("--env") ? after("--env") : null,
  };
  try {
    const { settings } = await wiring.loadSettings(choice);
    const daemon = await wiring.connect(settings);
    return (await daemon?.services()) ?? [];
  } catch {
    return [];
  }
}
