/**
 * A recording proxy between heal and the engine or the agent it talks to. It counts what passes and does to it what
 * networks and servers do: answers that never come, connections cut, a request that took effect whose answer is lost.
 */
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Exchange {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  /** Of the answer as the server gave it; null when there is none (yet). */
  status: number | null;
}

/**
 * - `pass`: as if the proxy were not there
 * - `hang`: nothing is forwarded and nothing answered; the connection stays open
 * - `lose-request`: the connection ends before the server has seen anything
 * - `lose-answer`: the server does it and answers; then the connection ends without the answer
 * - `hold-answer`: as above, and the connection stays open
 * - `mute`: the answer begins and nothing of it follows; the connection stays open
 * - `halve`: half of the answer's body is given, then the connection ends
 * - `delay`: the answer as it is, but so much later
 * - `relabel`: the answer with other headers
 * - `answer`: the proxy answers in the server's place
 */
export type Treatment =
  | { readonly kind: "pass" | "hang" | "lose-request" | "lose-answer" | "hold-answer" | "mute" | "halve" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "relabel"; readonly headers: http.OutgoingHttpHeaders }
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers: http.OutgoingHttpHeaders;
      readonly body: string;
    };

export interface Proxy {
  /** As `http://…`, for Consul. */
  readonly http: string;
  /** As `tcp://…`, for Docker. */
  readonly tcp: string;
  readonly exchanges: readonly Exchange[];
  /** How requests that come from now on are treated. */
  treat(rule: (exchange: Exchange) => Treatment): void;
  /** Everything that is open becomes silent and stays open; new requests hang as well. */
  freeze(): void;
  /** What was frozen is cut, and requests pass again. */
  thaw(): void;
  /** Ends all open connections at once, streams of events and blocking queries among them. */
  cut(): void;
  close(): Promise<void>;
}

export const pass: Treatment = { kind: "pass" };
export const changes = ({ method }: Pick<Exchange, "method">): boolean => method !== "GET" && method !== "HEAD";

/** `target`: as DOCKER_HOST or CONSUL_HTTP_ADDR spell it. */
export async function openProxy(target: string): Promise<Proxy> {
  const address = new URL(target);
  const upstream: http.RequestOptions =
    address.protocol === "unix:" ? { socketPath: address.pathname } : { host: address.hostname, port: address.port };
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const exchanges: Exchange[] = [];
  const sockets = new Set<Socket>();
  const streams = new Set<http.IncomingMessage>();
  let rule: (exchange: Exchange) => Treatment = () => pass;
  let frozen = false;

  const server = http.createServer((request, response) => {
    const { method = "GET", url: path = "/" } = request;
    const exchange: Exchange = { number: exchanges.length, method, path, status: null };
    exchanges.push(exchange);
    const treatment = frozen ? ({ kind: "hang" } as const) : rule(exchange);
    switch (treatment.kind) {
      case "hang":
        return void request.resume();
      case "lose-request":
        return void request.socket.destroy();
      case "answer":
        request.resume();
        return void response.writeHead(treatment.status, treatment.headers).end(treatment.body);
      default:
        return forward(request, response, exchange, treatment);
    }
  });
  const forward = (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    exchange: Exchange,
    treatment: Exclude<Treatment, { readonly kind: "answer" }>,
  ): void => {
    const { method, path } = exchange;
    const { kind } = treatment;
    const onward = http.request({ ...upstream, agent, method, path, headers: request.headers }, (answer) => {
      exchange.status = answer.statusCode ?? null;
      if (kind === "mute") {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        return void answer.resume();
      }
      if (kind === "halve") return void halve(answer, response);
      if ((kind !== "pass" && kind !== "relabel" && kind !== "delay") || frozen) {
        answer.resume();
        if (kind === "lose-answer") answer.once("end", () => request.socket.destroy());
        return;
      }
      streams.add(answer);
      answer.once("close", () => streams.delete(answer));
      const headers = kind === "relabel" ? { ...answer.headers, ...treatment.headers } : answer.headers;
      const give = (): void => {
        response.writeHead(answer.statusCode ?? 502, headers);
        response.flushHeaders();
        answer.on("error", () => response.destroy());
        answer.pipe(response);
      };
      if (kind === "delay") setTimeout(give, treatment.ms);
      else give();
    });
    onward.on("error", () => request.socket.destroy());
    response.once("close", () => onward.destroy());
    request.pipe(onward);
  };
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const cut = (): void => sockets.forEach((socket) => socket.destroy());

  return {
    http: `http://127.0.0.1:${port}`,
    tcp: `tcp://127.0.0.1:${port}`,
    exchanges,
    treat: (next) => void (rule = next),
    freeze() {
      frozen = true;
      for (const stream of streams) stream.unpipe();
    },
    thaw() {
      frozen = false;
      cut();
    },
    cut,
    async close() {
      cut();
      agent.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function halve(answer: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks);
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, "content-length": whole.length + 1 });
  response.write(whole.subarray(0, Math.ceil(whole.length / 2)), () => response.destroy());
}
