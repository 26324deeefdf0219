/** Where a command is started: what it may write to, read from and be interrupted by. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Width of what `out` writes to; null when that is no terminal. */
  readonly outColumns: number | null;
  readonly outColours: boolean;
  readonly errColours: boolean;
  readonly errIsTerminal: boolean;
  readonly inputIsTerminal: boolean;
  /** All of the standard input, read to its end in any case; null when there is more than `bytesMax`. Reads once. */
  readInput(bytesMax: number): Promise<string | null>;
  /** Calls back at the first interruption; the second ends the process. Returns what takes the callback back. */
  onInterrupt(callback: (signal: InterruptSignal) => void): () => void;
}

export type InterruptSignal = "SIGINT" | "SIGTERM" | "SIGHUP";
