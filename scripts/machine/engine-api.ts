/**
 * The few calls of the Docker Engine API that the machine set-up makes, straight over HTTP. On purpose not the client
 * library which the product uses: what prepares and checks the tests shares no code with what they test.
 */
import { createReadStream, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import { pipeline } from "node:stream/promises";

export interface EngineAnswer {
  readonly status: number;
  readonly text: string;
}

export interface EngineCall {
  readonly json?: object;
  /** A tar archive to send as the body. */
  readonly tarFile?: string;
  readonly timeoutMs?: number;
}

/**
 * Calls the engine at `dockerHost`, which is spelt as `DOCKER_HOST` is (`unix:///…/docker.sock`, `tcp://host:port`).
 * Any answer is a result; rejects when there is none within the time.
 */
export async function callEngine(
  dockerHost: string,
  method: "GET" | "POST" | "DELETE",
  apiPath: string,
  call: EngineCall = {},
): Promise<EngineAnswer> {
  const body = call.json === undefined ? undefined : JSON.stringify(call.json);
  const request = open(dockerHost, {
    method,
    path: apiPath,
    signal: AbortSignal.timeout(call.timeoutMs ?? 60_000),
    headers: {
      Host: "docker",
      ...(call.tarFile !== undefined && { "Content-Type": "application/x-tar" }),
      ...(body !== undefined && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
    },
  });
  const answer = receive(request);
  if (call.tarFile === undefined) request.end(body);
  else await Promise.race([pipeline(createReadStream(call.tarFile), request), answer]);
  return answer;
}

/** Like {@link callEngine}, parsed; rejects with the engine's own message on a status of 400 or above. */
export async function askEngine<Answer>(...args: Parameters<typeof callEngine>): Promise<Answer> {
  const [, method, apiPath] = args;
  const { status, text } = await callEngine(...args);
  if (status < 400) return (text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined) as Answer;
  const message = text.startsWith("{") ? (JSON.parse(text) as { message?: string }).message : text;
  throw new Error(`Docker: ${method} ${apiPath} answered ${status}: ${message?.trim()}`);
}

/** Whether an engine answers there within the time. */
export async function engineAnswers(dockerHost: string, timeoutMs = 2_000): Promise<boolean> {
  try {
    return (await callEngine(dockerHost, "GET", "/_ping", { timeoutMs })).status === 200;
  } catch {
    return false; // no socket, nobody listening, or too slow: all mean that there is no engine to use
  }
}

function open(dockerHost: string, options: http.RequestOptions): http.ClientRequest {
  const address = new URL(dockerHost);
  if (address.protocol === "unix:") return http.request({ ...options, socketPath: address.pathname });
  const { hostname } = address;
  const certificates = process.env["DOCKER_CERT_PATH"];
  if (process.env["DOCKER_TLS_VERIFY"] === undefined || certificates === undefined)
    return http.request({ ...options, hostname, port: address.port || 2375 });
  const read = (file: string) => readFileSync(path.join(certificates, file));
  const tls = { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
  return https.request({ ...options, ...tls, hostname, port: address.port || 2376 });
}

function receive(request: http.ClientRequest): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
  });
}
