import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Secret } from "../../model/secret.ts";
import type { SocketAnswer } from "./ask-socket.ts";

/**
 * The same over TCP, with the token where there is one. By Node's own client, since a pass may answer after many
 * minutes, which `fetch` does not wait for. Follows no redirect.
 */
export async function askAddress(
  { url, token }: { readonly url: string; readonly token: Secret | null },
  request: { readonly method: string; readonly path: string; readonly body: string | null },
  bytesMax: number,
  signal: AbortSignal,
): Promise<SocketAnswer> {
  const to = new URL(request.path, url);
  const headers: Record<string, string> = { accept: "application/json" };
  if (request.body !== null) headers["content-type"] = "application/json";
  if (token !== null) headers["authorization"] = `Bearer ${token.reveal()}`;
  const send = to.protocol === "https:" ? requestHttps : requestHttp;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    send(to, { method: request.method, headers, signal, agent: false }, resolve)
      .on("error", reject)
      .end(request.body ?? undefined);
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") };
}
