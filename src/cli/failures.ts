import type { InterruptSignal } from "../ports/terminal.ts";

/** The command line says something that cannot be meant. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly advice: string | null;
  constructor(message: string, advice: string | null = null) {
    super(message);
    this.advice = advice;
  }
}

/** Somebody pressed Ctrl-C, or the system asked the process to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: InterruptSignal;
  constructor(signal: InterruptSignal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** A file cannot be written. */
export class CannotWrite extends Error {
  override readonly name = "CannotWrite";
  readonly kind: "exists" | "denied";
  constructor(kind: CannotWrite["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}
