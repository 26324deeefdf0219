import type { InterruptSignal, Terminal } from "../../ports/terminal.ts";

/**
 * The terminal, pipe or file that this process was started on. The streams are touched when they are first used: each
 * takes a millisecond or two to set up, which shows in `heal check`.
 */
export function processTerminal(): Terminal {
  const safe = once(() => {
    // A reader that has seen enough (`heal status | head`) is no failure of ours.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreClosedPipe);
  });
  let input: Promise<string | null> | null = null;
  return {
    out(text) {
      safe();
      process.stdout.write(text);
    },
    err(text) {
      safe();
      process.stderr.write(text);
    },
    get outColumns() {
      return process.stdout.isTTY ? process.stdout.columns : null;
    },
    // `hasColors` knows NO_COLOR, FORCE_COLOR and TERM.
    get outColours() {
      return process.stdout.isTTY && process.stdout.hasColors();
    },
    get errColours() {
      return process.stderr.isTTY && process.stderr.hasColors();
    },
    get errIsTerminal() {
      return process.stderr.isTTY;
    },
    get inputIsTerminal() {
      return process.stdin.isTTY;
    },
    readInput(bytesMax) {
      input ??= readAll(process.stdin, bytesMax);
      return input;
    },
    onInterrupt(callback) {
      const cancel = (): void => signals.forEach((signal) => void process.off(signal, listener));
      // The second one ends the process at once, as if nobody listened.
      const listener = (signal: NodeJS.Signals): void => {
        cancel();
        callback(signal as InterruptSignal);
      };
      for (const signal of signals) process.on(signal, listener);
      return cancel;
    },
  };
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
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
