import { EventEmitter } from "node:events";
import http from "node:http";
import https from "node:https";
import Consul from "consul";
import { RegistryError } from "../../ports/registry.ts";
import { openLanes } from "../lanes.ts";
import { AnswerBody } from "./answer-body.ts";
import { asRegistryError } from "./failures.ts";

/** Where a Consul agent answers, and as whom it is asked. */
export interface ConsulAddress {
  /** `http://host:8500`, `https://host:8501` or `unix:///run/consul.sock`. */
  readonly url: string;
  readonly token: string | null;
  /** null: the agent's own. */
  readonly datacenter: string | null;
  /** PEM texts; null where the system's trust and no client certificate will do. */
  readonly tls: ConsulTls | null;
}

export interface ConsulTls {
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
  readonly verify: boolean;
}

export interface ConnectionLimits {
  /** How long a request that does not block may take, from being sent to the last byte. Waiting for a connection comes on top. */
  readonly timeoutMs: number;
  /** Consul refuses more than 200 connections from one address by default; all of a process's limits add up. */
  readonly connectionsMax: number;
  readonly answerBytesMax: number;
}

export const defaultLimits: ConnectionLimits = {
  timeoutMs: 5_000,
  connectionsMax: 32,
  answerBytesMax: 64 * 1024 * 1024,
};

/** So many time-outs may pass before a request that waits for a connection is given up: then Consul hangs. */
const waitsMax = 4;

export interface ConsulRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Parts of the path below `/v1`; each is escaped, so a name may hold anything. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string;
  /** How long the answer may be held back on purpose; comes on top of the limit. */
  readonly blocksMs?: number;
  /** Instead of the connection's own limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ConsulReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** One agent's HTTP API over a few connections that are kept open. */
export interface ConsulConnection {
  readonly url: string;
  /** Any status is a reply. Rejects with `RegistryError` when none came whole: `unreachable` or `unclear`. */
  request(request: ConsulRequest): Promise<ConsulReply>;
  close(): void;
}

/** The part of the client that its types leave out: a request of any shape, through its own connections. */
interface GenericClient {
  _request(options: Record<string, unknown>): Promise<http.IncomingMessage | undefined>;
}

/**
 * Opens nothing yet: connections are made when first needed, at most `connectionsMax`, and kept.
 *
 * All goes through the client's generic request, because its methods drop `weights` and `enableTagOverride`, hide the
 * status of an answer and wait without end for one that breaks off half-way. The body is read here, so that it is
 * bounded and a broken one is noticed at once.
 */
export function connectConsul(address: ConsulAddress, limits: ConnectionLimits = defaultLimits): ConsulConnection {
  const agent = agentFor(address, limits);
  const client = new Consul({
    ...target(address),
    agent,
    timeout: limits.timeoutMs,
  } as object) as unknown as GenericClient;
  const headers = address.token === null ? {} : { "x-consul-token": address.token };

  /** Thousands of reads at once wait here for a connection, so that none is late for having waited. */
  const lanes = openLanes(limits.connectionsMax);
  function request(wanted: ConsulRequest): Promise<ConsulReply> {
    const askedAt = performance.now();
    return lanes(async () => {
      if (performance.now() - askedAt < limits.timeoutMs * waitsMax) return send(wanted);
      throw new RegistryError(
        "unreachable",
        `${address.url}: no connection was free for ${limits.timeoutMs * waitsMax} ms`,
      );
    });
  }

  async function send(wanted: ConsulRequest): Promise<ConsulReply> {
    const cancelled = (): boolean => wanted.signal?.aborted ?? false;
    if (cancelled()) throw new RegistryError("unreachable", "cancelled before it was asked");
    const context = new EventEmitter();
    const body = new AnswerBody(limits.answerBytesMax);
    const broken = new Promise<never>((_resolve, reject) => body.once("error", reject));
    const abort = (): unknown => context.emit("cancel");
    wanted.signal?.addEventListener("abort", abort, { once: true });
    const answered = client._request({
      ...requestOptions(wanted, address.datacenter, headers),
      timeout: (wanted.timeoutMs ?? limits.timeoutMs) + (wanted.blocksMs ?? 0),
      ctx: context,
      pipe: body,
    });
    try {
      const response = await Promise.race([answered, broken]);
      if (response === undefined) throw new RegistryError("unclear", "no answer");
      return reply(response, body);
    } catch (error) {
      abort();
      const response = (error as { response?: http.IncomingMessage }).response;
      if (response !== undefined) return reply(response, body);
      throw asRegistryError(error, address.url, cancelled());
    } finally {
      wanted.signal?.removeEventListener("abort", abort);
      // Only one of the two decided; the other may still fail, and nobody listens any more.
      answered.catch(() => undefined);
      broken.catch(() => undefined);
    }
  }

  return { url: address.url, request, close: () => agent.destroy() };
}

function reply(response: http.IncomingMessage, body: AnswerBody): ConsulReply {
  return { status: response.statusCode ?? 0, headers: response.headers, text: body.text() };
}

function requestOptions(wanted: ConsulRequest, datacenter: string | null, headers: object): Record<string, unknown> {
  const params = Object.fromEntries(wanted.path.map((part, position) => [`p${position}`, part]));
  const content =
    wanted.json !== undefined
      ? { body: Buffer.from(JSON.stringify(wanted.json)), headers: { ...headers, "content-type": "application/json" } }
      : wanted.body !== undefined
        ? { body: Buffer.from(wanted.body), headers }
        : { headers };
  return {
    name: "heal",
    method: wanted.method,
    path: wanted.path.map((_part, position) => `/{p${position}}`).join(""),
    params,
    query: { ...(datacenter === null ? {} : { dc: datacenter }), ...wanted.query },
    ...content,
  };
}

function agentFor(address: ConsulAddress, limits: ConnectionLimits): http.Agent {
  const options = { keepAlive: true, maxSockets: limits.connectionsMax, maxFreeSockets: limits.connectionsMax };
  if (!address.url.startsWith("https:")) return new http.Agent(options);
  const tls = address.tls;
  return new https.Agent({
    ...options,
    ...(tls === null ? {} : { rejectUnauthorized: tls.verify }),
    ...(tls?.ca == null ? {} : { ca: tls.ca }),
    ...(tls?.certificate == null ? {} : { cert: tls.certificate }),
    ...(tls?.key == null ? {} : { key: tls.key }),
    ...(tls?.serverName == null ? {} : { servername: tls.serverName }),
  });
}

function target(address: ConsulAddress): object {
  if (address.url.startsWith("unix://"))
    return { baseUrl: "http://localhost/v1", socketPath: address.url.slice("unix://".length) };
  return { baseUrl: new URL("v1", address.url.endsWith("/") ? address.url : `${address.url}/`).href };
}
