import pc from "picocolors";

/** What the demo shows: numbered acts, what is being done, and what other programs print. */
export interface Screen {
  act(title: string): void;
  say(line: string): void;
  /** Output of a command, as it would look on the operator's own terminal. */
  output(command: string, text: string): void;
  /** Shows that `work` goes on, and how long it took. */
  step<T>(doing: string, work: () => Promise<T>): Promise<T>;
}

export function openScreen(out: NodeJS.WriteStream): Screen {
  let acts = 0;
  const write = (text: string): void => void out.write(text);
  return {
    act(title) {
      acts += 1;
      write(`\n${pc.bold(`${acts}. ${title}`)}\n`);
    },
    say: (line) => write(`   ${line}\n`),
    output(command, text) {
      write(`   ${pc.dim(`$ ${command}`)}\n`);
      for (const line of text.trimEnd().split("\n")) write(`   ${pc.dim("│")} ${line}\n`);
    },
    async step(doing, work) {
      const beganMs = performance.now();
      const elapsed = (): string => `${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
      // Lines instead of a spinner where nobody watches, so that a log shows what was waited for.
      const tick = out.isTTY ? setInterval(() => write(`\r   … ${doing} (${elapsed()})`), 200) : null;
      try {
        const value = await work();
        write(
          `${out.isTTY ? "\r" : ""}   ${pc.green("✓")} ${doing} (${elapsed()})\u001B[K\n`.replace(
            "\u001B[K",
            out.isTTY ? "\u001B[K" : "",
          ),
        );
        return value;
      } catch (error) {
        write(`${out.isTTY ? "\r" : ""}   ${pc.red("✗")} ${doing} (${elapsed()})\n`);
        throw error;
      } finally {
        if (tick !== null) clearInterval(tick);
      }
    },
  };
}
