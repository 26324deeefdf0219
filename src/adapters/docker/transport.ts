import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { stringify } from "node:querystring";
import { callbackify } from "node:util";
import type { SocketAgent } from "./socket-agent.ts";

/** What dockerode hands to its modem for one call. */
export interface DialOptions {
  readonly path: string;
  readonly method: string;
  readonly options?: Record<string, unknown>;
  readonly statusCodes: Readonly<Record<number, string | true>>;
  readonly isStream?: boolean;
}

type Dial = (call: DialOptions, callback: (error: Error, answer: unknown) => void) => void;

/** The engine answered, and it was a no. The message is the engine's own sentence. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly statusCode: number;
  constructor(statusCode: number, sentence: string) {
    super(sentence);
    this.statusCode = statusCode;
  }
}

/** A JSON answer as it came, so that whoever asked need not read what he knows. */
export interface Unread {
  readonly json: Buffer;
}

type Read = (json: Buffer) => unknown;

export interface TransportOptions {
  readonly agent: SocketAgent;
  /** Keeps no connection. */
  readonly freshAgent: SocketAgent;
  /** `name:port` for the Host header. */
  readonly authority: string;
  readonly answerBytesMax: number;
  /** Called with the headers of every answer. */
  readonly onHeaders: (headers: IncomingHttpHeaders) => void;
}

/**
 * Carries dockerode's calls, in place of docker-modem, which waits for ever when a connection is lost in mid-answer,
 * collects answers without bound, inspects its options on every request and reads DOCKER_* variables behind our back.
 */
export class Transport {
  /** `v1.41`, or null before it was negotiated. */
  version: string | null = null;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** A modem for dockerode whose calls end when the signal fires, and whose JSON answers are what `read` makes of them. */
  until(signal: AbortSignal, read: Read = parsed): { readonly dial: Dial } {
    // dockerode reads fields of answers in its callback, where `null` would make it throw into nowhere.
    return { dial: callbackify(async (call: DialOptions) => (await this.#send(call, signal, read)) ?? {}) };
  }

  /** What the engine's ping says of its API, `1.41` for example; empty when it does not say. */
  async readApiVersion(signal: AbortSignal, over?: "anew"): Promise<string> {
    const { agent, freshAgent } = this.#options;
    const response = await this.#respond("GET", "/_ping", null, signal, over === "anew" ? freshAgent : agent);
    const content = await this.#collect(response);
    if (response.statusCode !== 200)
      throw new HttpRefusal(response.statusCode ?? 0, sentenceOf(response.statusCode ?? 0, content));
    return String(response.headers["api-version"] ?? "");
  }

  /** What `read` makes of JSON, a Buffer for any other content, or the stream where one was asked for. */
  async #send(call: DialOptions, signal: AbortSignal, read: Read): Promise<unknown> {
    const response = await this.#respond(call.method, pathOf(call, this.version), bodyOf(call), signal);
    const status = response.statusCode ?? 0;
    const accepted = call.statusCodes[status] === true;
    if (accepted && call.isStream === true) return response;
    const content = await this.#collect(response);
    if (!accepted) throw new HttpRefusal(status, sentenceOf(status, content));
    return isJson(response.headers) ? read(content) : content;
  }

  #respond(
    method: string,
    path: string,
    body: string | null,
    signal: AbortSignal,
    agent = this.#options.agent,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { Host: this.#options.authority };
      if (body !== null) headers["Content-Type"] = "application/json";
      if (body !== null) headers["Content-Length"] = String(Buffer.byteLength(body));
      const request = httpRequest({
        agent,
        method,
        path,
        headers,
        signal,
        // The connection is made here. Node would look whether its name is an address, which takes milliseconds once.
        ...noServerName,
      });
      request.on("response", (response) => {
        this.#options.onHeaders(response.headers);
        resolve(response);
      });
      request.on("error", reject);
      request.end(body ?? undefined);
    });
  }

  /** The whole answer; rejects as soon as the connection is lost in the middle of it ("aborted"). */
  #collect(response: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > this.#options.answerBytesMax) {
          response.destroy(new Error(`the answer is longer than ${this.#options.answerBytesMax} bytes`));
        }
      });
      response.on("end", () => resolve(Buffer.concat(chunks)));
      response.on("error", reject);
    });
  }
}

const noServerName: object = { servername: "" };

function parsed(json: Buffer): unknown {
  return JSON.parse(json.toString());
}

/** For `until`: leaves the answer unread. */
export function unread(json: Buffer): Unread {
  return { json };
}

function pathOf(call: DialOptions, version: string | null): string {
  const prefix = version === null ? "" : `/${version}`;
  // A trailing question mark is how dockerode says that the options belong into the query.
  if (!call.path.endsWith("?")) return prefix + call.path;
  const parameters = Object.entries(call.options?.["_query"] ?? call.options ?? {}).map(
    ([name, value]) => [name, isPlainObject(value) ? JSON.stringify(value) : String(value)] as const,
  );
  return (
    prefix + call.path.slice(0, -1) + (parameters.length === 0 ? "" : `?${stringify(Object.fromEntries(parameters))}`)
  );
}

function bodyOf(call: DialOptions): string | null {
  if (call.method !== "POST" || call.options === undefined) return null;
  const body = JSON.stringify(call.options["_body"] ?? call.options);
  return body === "{}" ? null : body;
}

function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isJson(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.includes("json") ?? false;
}

function sentenceOf(status: number, content: Buffer): string {
  const text = content.toString();
  try {
    const message: unknown = (JSON.parse(text) as { message?: unknown } | null)?.message;
    if (typeof message === "string" && message !== "") return message;
  } catch {
    // Not JSON: a proxy's own page, say. Its text is the best there is.
  }
  return text.trim() === "" ? `HTTP status ${status}` : text;
}
