import type { Terminal } from "../../ports/terminal.ts";

/** The terminal, pipe or file that this process was started on. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  // A reader that has seen enough (`heal status | head`) is no failure of ours.
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  let input: Promise<string | null> | null = null;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    get outColumns() {
      return stdout.isTTY ? stdout.columns : null;
    },
    // `hasColors` knows NO_COLOR, FORCE_COLOR and TERM.
    get outColours() {
      return stdout.isTTY && stdout.hasColors();
    },
    get errColours() {
      return stderr.isTTY && stderr.hasColors();
    },
    get errIsTerminal() {
      return stderr.isTTY;
    },
    get inputIsTerminal() {
      return stdin.isTTY;
    },
    readInput(bytesMax) {
      input ??= readAll(stdin, bytesMax);
      return input;
    },
    onInterrupt(callback) {
      const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
      const cancel = (): void => signals.forEach((signal) => void process.off(signal, listener));
      // The second one ends the process at once, as if nobody listened.
      const listener = (signal: NodeJS.Signals): void => {
        cancel();
        callback(signal as (typeof signals)[number]);
      };
      for (const signal of signals) process.on(signal, listener);
      return cancel;
    },
  };
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** To its end in any case, so that whoever writes is not cut off; null when there was more than `bytesMax`. */
async function readAll(stream: AsyncIterable<Buffer>, bytesMax: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > bytesMax ? null : Buffer.concat(chunks).toString("utf8");
}
