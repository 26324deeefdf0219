import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How the receiver behaves from now on. */
export type Behaviour =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "hang" }
  | { readonly kind: "half" }
  | { readonly kind: "drip" }
  | { readonly kind: "flood" }
  | { readonly kind: "reset" };

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  behaves: (request: Received) => Behaviour;
  close(): Promise<void>;
}

export const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Behaviour => ({
  kind: "answer",
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
  headers,
});

/** A real HTTP server on this machine that does as it is told. */
export async function startReceiver(behaves: Receiver["behaves"] = () => answer(200, "ok")): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = requestOf(request, Buffer.concat(chunks).toString("utf8"));
      received.push(one);
      behave(receiver.behaves(one), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    received,
    behaves,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}

function requestOf({ method = "", url = "/", headers }: IncomingMessage, body: string): Received {
  const { pathname, searchParams } = new URL(url, "http://receiver");
  return { method, path: pathname, query: searchParams, headers, body };
}

function behave(behaviour: Behaviour, response: ServerResponse): void {
  switch (behaviour.kind) {
    case "answer":
      response.writeHead(behaviour.status, { "content-type": "application/json", ...behaviour.headers });
      return void response.end(behaviour.body);
    case "hang":
      return;
    case "half":
      response.writeHead(200, { "content-length": "1000" });
      return void response.write('{"errcode":0', () => response.destroy());
    case "drip":
      response.writeHead(200);
      return void response.write("{");
    case "flood": {
      response.writeHead(200, { "content-type": "application/json" });
      const pour = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
        if (!response.destroyed) response.once("drain", pour);
      };
      return pour();
    }
    case "reset":
      return void response.socket?.resetAndDestroy();
  }
}
