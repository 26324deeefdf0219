import { request } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import type { Secret } from "../../model/secret.ts";
import { ControllerError } from "../../ports/controller.ts";

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

/** Loads next to nothing, so that `heal check` can ask before anything else of the program is there. */
export function openAsk(endpoint: Endpoint): Ask {
  return async (question) => {
    const signal = AbortSignal.timeout(question.timeoutMs);
    try {
      const response = await send(endpoint, question, signal);
      return { status: response.statusCode ?? 0, body: JSON.parse(await textOf(response)) as unknown };
    } catch (error) {
      throw failure(error, endpoint, signal.aborted);
    }
  };
}

async function send(endpoint: Endpoint, question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const payload = question.body === undefined ? null : JSON.stringify(question.body);
  const headers: Record<string, string> = { accept: "application/json", connection: "close" };
  if (payload !== null) headers["content-type"] = "application/json";
  const options: RequestOptions = { method: question.method, path: question.path, headers, signal, agent: false };
  let open = request;
  if (endpoint.kind === "socket") Object.assign(options, { socketPath: endpoint.path, host: "localhost" });
  else {
    const url = new URL(endpoint.url);
    if (url.protocol === "https:") open = (await import("node:https")).request;
    if (endpoint.token !== null) headers["authorization"] = `Bearer ${endpoint.token.reveal()}`;
    Object.assign(options, { protocol: url.protocol, hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port });
  }
  return new Promise((resolve, reject) => {
    open(options, resolve)
      .on("error", reject)
      .end(payload ?? undefined);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`the answer is larger than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
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
        `the answer of the daemon at ${where} cannot be used: ${text(error)}`,
        options,
      );
  }
}

function text(error: unknown): string {
  return error instanceof SyntaxError ? "it is no JSON" : error instanceof Error ? error.message : String(error);
}
