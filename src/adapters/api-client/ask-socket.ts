import { connect } from "node:net";

/** What came back: the status, and the body as text. */
export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * One HTTP/1.0 request over a unix socket: the server closes when it has answered, so the whole exchange is to write and
 * to read to the end. It takes a seventh of the start of `heal check` off, next to Node's own client. Rejects with what
 * the system says, or with an `Error` when the answer is broken off or larger than `bytesMax`.
 */
export async function askSocket(
  path: string,
  request: { readonly method: string; readonly path: string; readonly body: string | null },
  bytesMax: number,
  signal: AbortSignal,
): Promise<SocketAnswer> {
  const socket = connect({ path, signal });
  socket.write(head(request));
  if (request.body !== null) socket.write(request.body);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return parse(Buffer.concat(chunks));
}

function head({
  method,
  path,
  body,
}: {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
}): string {
  const lines = [`${method} ${path} HTTP/1.0`, "host: localhost", "accept: application/json"];
  if (body !== null) lines.push("content-type: application/json", `content-length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function parse(answer: Buffer): SocketAnswer {
  const end = answer.indexOf("\r\n\r\n");
  const headers = answer.subarray(0, Math.max(0, end)).toString("latin1");
  const status = /^HTTP\/1\.[01] ([0-9]{3})\b/.exec(headers)?.[1];
  const length = /\r\ncontent-length: *([0-9]+)/i.exec(headers)?.[1];
  const body = answer.subarray(end + 4);
  if (status === undefined || (length !== undefined && Number(length) !== body.length)) {
    throw new Error(answer.length === 0 ? "it ended without an answer" : "it broke off");
  }
  return { status: Number(status), text: body.toString("utf8") };
}
