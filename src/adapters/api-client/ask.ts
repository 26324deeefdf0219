import { ControllerError } from "../../ports/controller.ts";

export interface Question {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number;
}

export interface Answered {
  readonly status: number;
  /** The JSON that came. */
  readonly body: unknown;
}

/** Asks a daemon one question. Rejects with `ControllerError` `absent`, `silent`, `denied` or `unclear`. */
export type Ask = (question: Question) => Promise<Answered>;

/** Carries one request to a daemon and its answer back, as texts. Rejects with what the system says. */
export type Carry = (
  request: Request,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly text: string }>;

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
}

/** Asks by way of `carry`; `where` is what messages call the other side. */
export function askBy(carry: Carry, where: string): Ask {
  return async ({ method, path, body, timeoutMs }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const request = { method, path, body: body === undefined ? null : JSON.stringify(body) };
      const { status, text } = await carry(request, signal);
      return { status, body: JSON.parse(text) as unknown };
    } catch (error) {
      throw failure(error, where, signal.aborted);
    }
  };
}

/** The whole of an answer. Twenty thousand services with their reasons stay well below the limit. */
export async function readAnswer(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`it is larger than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const answerBytesMax = 256 * 1024 * 1024;

function failure(error: unknown, where: string, timedOut: boolean): ControllerError {
  const options = { cause: error };
  if (timedOut) return new ControllerError("silent", `the daemon at ${where} does not answer`, options);
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ECONNREFUSED":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ENOTFOUND":
      return new ControllerError("absent", `no daemon answers at ${where}`, options);
    case "EACCES":
    case "EPERM":
      return new ControllerError("denied", `this user may not use the daemon's socket ${where}`, options);
    default:
      return new ControllerError(
        "unclear",
        `the answer of the daemon at ${where} cannot be used: ${said(error)}`,
        options,
      );
  }
}

function said(error: unknown): string {
  return error instanceof SyntaxError ? "it is no JSON" : error instanceof Error ? error.message : String(error);
}
