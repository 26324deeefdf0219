import type { Secret } from "../../model/secret.ts";
import { ControllerError } from "../../ports/controller.ts";
import { askSocket } from "./ask-socket.ts";

/** Where a daemon answers: its socket on this machine, or the address it advertises to others. */
export type Endpoint =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "address"; readonly url: string; readonly token: Secret | null };

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

export function openAsk(endpoint: Endpoint): Ask {
  return async ({ method, path, body, timeoutMs }) => {
    const request = { method, path, body: body === undefined ? null : JSON.stringify(body) };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const { status, text } =
        endpoint.kind === "socket"
          ? await askSocket(endpoint.path, request, answerBytesMax, signal)
          : await (await import("./ask-address.ts")).askAddress(endpoint, request, answerBytesMax, signal);
      return { status, body: JSON.parse(text) as unknown };
    } catch (error) {
      throw failure(error, endpoint, signal.aborted);
    }
  };
}

/** Twenty thousand services with their reasons stay well below this. */
const answerBytesMax = 256 * 1024 * 1024;

function failure(error: unknown, endpoint: Endpoint, timedOut: boolean): ControllerError {
  const where = endpoint.kind === "socket" ? endpoint.path : new URL(endpoint.url).origin;
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
