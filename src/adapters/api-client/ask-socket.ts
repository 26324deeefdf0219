import { connect } from "node:net";
import type { Ask, Request } from "./ask.ts";
import { askBy, readAnswer } from "./ask.ts";

/**
 * Asks the daemon behind a unix socket. One HTTP/1.0 request: the server closes when it has answered, so the whole
 * exchange is to write and to read to the end. Node's own client would take a seventh longer for `heal check` to start.
 */
export function askSocket(path: string): Ask {
  return askBy(async (request, signal) => {
    const socket = connect({ path, signal });
    socket.write(head(request) + (request.body ?? ""));
    return parse(await readAnswer(socket));
  }, path);
}

function head({ method, path, body }: Request): string {
  const lines = [`${method} ${path} HTTP/1.0`, "host: localhost", "accept: application/json"];
  if (body !== null) lines.push("content-type: application/json", `content-length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function parse(answer: Buffer): { readonly status: number; readonly text: string } {
  const end = answer.indexOf("\r\n\r\n");
  const headers = answer.subarray(0, Math.max(0, end)).toString("latin1");
  const status = /^HTTP\/1\.[01] ([0-9]{3})\b/.exec(headers)?.[1];
  const length = /\r\ncontent-length: *([0-9]+)/i.exec(headers)?.[1];
  const body = answer.subarray(end + 4);
  if (status === undefined || (length !== undefined && Number(length) !== body.length)) {
    throw new Error(answer.length === 0 ? "it ended before it began" : "it broke off");
  }
  return { status: Number(status), text: body.toString("utf8") };
}
