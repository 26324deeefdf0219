import type * as Undici from "./http-client.ts";
import type { Secret } from "../../model/secret.ts";
import { parseUrl, scrub } from "./scrub.ts";

/** As much of an answer is read; a receiver of alerts has nothing longer to say. */
const ANSWER_BYTES_MAX = 16_384;
const CONNECT_TIMEOUT_MS = 10_000;
/** Every send has a shorter deadline; this one only keeps a forgotten connection from living for ever. */
const ANSWER_TIMEOUT_MS = 120_000;

export interface Post {
  readonly url: Secret;
  /** Changes the address just before it is used, for receivers that want a signature in it. */
  readonly sign?: (url: URL) => void;
  readonly method?: "POST" | "PUT";
  readonly headers?: Readonly<Record<string, Secret>>;
  readonly contentType?: string;
  readonly body: string;
  /** What an answer must not show when it is quoted, besides the address and the headers. */
  readonly secrets?: readonly Secret[];
}

export type Answer =
  /** `body`: the beginning of it; `quoted`: the same without secrets, for a reason. */
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly retryAfterMs: number | null;
      readonly body: string;
      readonly quoted: string;
    }
  | { readonly kind: "failed"; readonly reason: string; readonly permanent: boolean };

export interface Poster {
  /** Never rejects. Redirects are not followed: an alert goes where the settings say and nowhere else. */
  post(post: Post, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

/** How the receiver is reached; directly, and trusted as the system trusts, where it is left out. */
export interface Way {
  readonly tls?: WayTls | null;
  /** Address of an HTTP proxy. */
  readonly proxy?: Secret | null;
}

/** PEM texts; null: the system's authorities, no client certificate, the name in the address. */
interface WayTls {
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: Secret | null;
  readonly serverName: string | null;
  readonly verify: boolean;
}

/** One receiver's connection. Reasons name what went wrong and never the address, which may hold a token. */
export function poster(way: Way): Poster {
  let opened: ReturnType<typeof open> | null = null;
  return {
    post: (post, signal) => send(() => (opened ??= open(way)), post, signal),
    close: () => void opened?.then(({ agent }) => agent.destroy()),
  };
}

/** The client is loaded with the first alert: it is the largest part of the program, and most commands send none. */
async function open(way: Way) {
  const undici = await import("./http-client.ts");
  return { agent: dispatcherOf(undici, way), request: undici.request };
}

function dispatcherOf(undici: typeof Undici, { tls = null, proxy = null }: Way): Undici.Agent | Undici.ProxyAgent {
  const limits = { connections: 2, headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS };
  const connect = { timeout: CONNECT_TIMEOUT_MS, ...(tls === null ? {} : tlsOptions(tls)) };
  if (proxy === null) return new undici.Agent({ ...limits, connect });
  const uri = new URL(proxy.reveal());
  const token = uri.username === "" ? {} : { token: basicAuthorization(uri) };
  uri.username = "";
  uri.password = "";
  return new undici.ProxyAgent({ ...limits, uri: uri.href, ...token, requestTls: connect });
}

function tlsOptions({ ca, certificate, key, serverName, verify }: WayTls) {
  return {
    rejectUnauthorized: verify,
    ...(ca === null ? {} : { ca }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key: key.reveal() }),
    ...(serverName === null ? {} : { servername: serverName }),
  };
}

async function send(reach: () => ReturnType<typeof open>, post: Post, signal: AbortSignal): Promise<Answer> {
  const url = parseUrl(post.url.reveal());
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return { kind: "failed", reason: "its address is not an http or https URL", permanent: true };
  }
  try {
    const guarded: Record<string, string> = url.username === "" ? {} : { authorization: basicAuthorization(url) };
    for (const [name, value] of Object.entries(post.headers ?? {})) guarded[name.toLowerCase()] = value.reveal();
    const headers = { "content-type": post.contentType ?? "application/json; charset=utf-8", ...guarded };
    const secrets = [post.url, ...(post.secrets ?? [])].map((one) => one.reveal()).concat(Object.values(guarded));
    url.username = "";
    url.password = "";
    post.sign?.(url);
    const { method = "POST", body } = post;
    const { agent, request } = await reach();
    const answer = await request(url, { dispatcher: agent, method, headers, body, signal });
    const text = await beginningOf(answer.body);
    return {
      kind: "answered",
      status: answer.statusCode,
      retryAfterMs: retryAfterMs(answer.headers["retry-after"]),
      body: text,
      quoted: scrub(text.slice(0, 2_000), secrets),
    };
  } catch (error) {
    return { kind: "failed", reason: signal.aborted ? "no answer in time" : whatFailed(error), permanent: false };
  }
}

function basicAuthorization({ username, password }: URL): string {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

async function beginningOf(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  if (bytes >= ANSWER_BYTES_MAX) body.destroy();
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString("utf8");
}

/** `Retry-After` in seconds or as a date; null when there is none that makes sense. */
function retryAfterMs(header: string | readonly string[] | undefined): number | null {
  const text = typeof header === "string" ? header.trim() : "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now());
}

/** By code alone: messages of failures like to repeat addresses. */
function whatFailed(error: unknown): string {
  const code = codeOf(error);
  return (
    known[code] ??
    (isCertificateTrouble(code) ? `its TLS certificate is not accepted (${code})` : `the request failed (${code})`)
  );
}

const known: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: "no answer in time",
  UND_ERR_BODY_TIMEOUT: "its answer stopped half-way",
  UND_ERR_CONNECT_TIMEOUT: "no connection in time",
  UND_ERR_SOCKET: "the connection broke",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "the connection broke",
  ENOTFOUND: "its host name is not known",
  EAI_AGAIN: "its host name cannot be looked up now",
  EHOSTUNREACH: "its host cannot be reached",
  ENETUNREACH: "its network cannot be reached",
  ETIMEDOUT: "no connection in time",
  UND_ERR_INVALID_ARG: "the request cannot be made of these settings",
};

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  // A failed connection to several addresses keeps what happened to each of them.
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (/^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
  return inner instanceof Error ? codeOf(inner) : error.name;
}

function isCertificateTrouble(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER|ERR_TLS|ERR_SSL/.test(code);
}
