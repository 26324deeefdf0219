import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Secret } from "../../model/secret.ts";
import type { Ask } from "./ask.ts";
import { askBy, readAnswer } from "./ask.ts";

/**
 * Asks the daemon at an address that it advertises, `http://…` or `https://…`, with the token where there is one. By
 * Node's own client, since a pass may answer after many minutes, which `fetch` does not wait for. Follows no redirect.
 */
export function askAddress(url: string, token: Secret | null): Ask {
  return askBy(async ({ method, path, body }, signal) => {
    const to = new URL(path, url);
    const headers: Record<string, string> = { accept: "application/json" };
    if (body !== null) headers["content-type"] = "application/json";
    if (token !== null) headers["authorization"] = `Bearer ${token.reveal()}`;
    const send = to.protocol === "https:" ? requestHttps : requestHttp;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      send(to, { method, headers, signal, agent: false }, resolve)
        .on("error", reject)
        .end(body ?? undefined);
    });
    return { status: response.statusCode ?? 0, text: (await readAnswer(response)).toString("utf8") };
  }, new URL(url).origin);
}
