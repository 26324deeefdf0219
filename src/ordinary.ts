import { realClock } from "./adapters/clock.ts";
import { main } from "./cli/main.ts";
import type { Terminal } from "./ports/terminal.ts";
import { version } from "./version.ts";
import { wiring } from "./wiring.ts";

/** Every command line that the quick way does not answer. Resolves to the exit code. */
export function ordinary(argv: readonly string[], terminal: Terminal): Promise<number> {
  return main(argv, { terminal, clock: realClock(), wiring, version });
}
