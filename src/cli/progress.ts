import type { Cancel, Clock } from "../ports/clock.ts";
import type { Terminal } from "../ports/terminal.ts";

/**
 * After a second, shows on the terminal what is being waited for and for how long, in one line that goes when the work
 * ends. Shows nothing where the error output is no terminal.
 */
export async function withProgress<T>(
  { terminal, clock }: { readonly terminal: Terminal; readonly clock: Clock },
  doing: string,
  work: Promise<T>,
): Promise<T> {
  if (!terminal.errIsTerminal) return work;
  const beganAtMs = clock.steadyMs();
  let shown = false;
  let cancel: Cancel;
  const show = (): void => {
    shown = true;
    terminal.err(`\r${doing} … ${Math.floor((clock.steadyMs() - beganAtMs) / 1_000)}s`);
    cancel = clock.after(1_000, show);
  };
  cancel = clock.after(1_000, show);
  try {
    return await work;
  } finally {
    cancel();
    if (shown) terminal.err(`\r${" ".repeat(doing.length + 12)}\r`);
  }
}
