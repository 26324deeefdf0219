import http from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Agent {
  readonly url: string;
  readonly requests: {
    readonly method: string;
    readonly url: string;
    readonly headers: http.IncomingHttpHeaders;
    readonly body: string;
  }[];
  /** The most connections that were open at the same time. */
  connectionsMax(): number;
}

export const wellHeaders = {
  "content-type": "application/json",
  "x-consul-index": "7",
  "x-consul-knownleader": "true",
  "x-consul-lastcontact": "0",
};

/** Something that listens where an agent should, and answers as the test wishes. */
export async function anAgent(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<Agent> {
  const requests: Agent["requests"] = [];
  let open = 0;
  let most = 0;
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      requests.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      answer(request, response);
    });
  });
  server.on("connection", (socket) => {
    open += 1;
    most = Math.max(most, open);
    socket.on("close", () => (open -= 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, connectionsMax: () => most };
}

/** An agent that answers everything with this. */
export function anAgentThatSays(
  body: unknown,
  status = 200,
  headers: Record<string, string> = wellHeaders,
): Promise<Agent> {
  return anAgent((_request, response) => {
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
}
