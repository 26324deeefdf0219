import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { slackNotifier } from "../../../src/adapters/webhook/slack.ts";
import type { SlackOptions } from "../../../src/adapters/webhook/slack.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Delivery } from "../../../src/ports/notifier.ts";
import { makeCertificate } from "../mail/certificate.ts";
import { aMessage } from "./messages.ts";

const own = makeCertificate(["127.0.0.1", "chat.test"]);
const trusting = { ca: own.cert, certificate: null, key: null, serverName: null, verify: true };

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Takes every message, over TLS with a certificate of nobody's authority. */
const aSecureReceiver = async (): Promise<string> => {
  const options = { key: own.key, cert: own.cert };
  return `https://127.0.0.1:${await listening(createSecureServer(options, (_request, response) => response.end("ok")))}`;
};

/** A proxy that lets through who gives this password, and notes where to. */
async function aProxy(password: string): Promise<{ readonly port: number; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = createServer();
  server.on("connect", (request: IncomingMessage, near: Duplex) => {
    asked.push(request.url ?? "");
    const expected = `Basic ${Buffer.from(`heal:${password}`).toString("base64")}`;
    if (request.headers["proxy-authorization"] !== expected) {
      near.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const far = connect(Number(port), host, () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      near.pipe(far).pipe(near);
    });
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  return { port: await listening(server), asked };
}

async function told(url: string, way: Omit<SlackOptions, "name" | "url">): Promise<Delivery> {
  const notifier = slackNotifier({ name: "chat", url: secret(url), ...way });
  onTestFinished(() => notifier.close());
  return notifier.send(aMessage(), AbortSignal.timeout(5_000));
}

describe("a channel whose receiver has a certificate of an authority of its own", () => {
  it("takes messages when that authority is named", async () => {
    expect(await told(await aSecureReceiver(), { tls: trusting })).toEqual({ kind: "taken" });
  });

  it("takes none when it is not", async () => {
    expect(await told(await aSecureReceiver(), {})).toMatchObject({
      kind: "failed",
      reason: expect.stringMatching(/^its TLS certificate is not accepted/),
    });
  });

  it("takes none when the certificate is of another name", async () => {
    const tls = { ...trusting, serverName: "elsewhere.test" };
    expect(await told(await aSecureReceiver(), { tls })).toMatchObject({ kind: "failed" });
  });
});

describe("a channel behind a proxy", () => {
  it("is reached through it, with the password of its address and the authority of the receiver", async () => {
    const receiver = await aSecureReceiver();
    const { port, asked } = await aProxy("p@ss");
    const proxy = secret(`http://heal:p%40ss@127.0.0.1:${port}`);
    expect(await told(receiver, { proxy, tls: trusting })).toEqual({ kind: "taken" });
    expect(asked).toEqual([receiver.slice("https://".length)]);
  });

  it("is not reached when the proxy refuses, and the reason shows no password", async () => {
    const { port } = await aProxy("p@ss");
    const delivery = await told(await aSecureReceiver(), { proxy: secret(`http://heal:hunter2@127.0.0.1:${port}`) });
    expect(delivery).toMatchObject({ kind: "failed" });
    expect(JSON.stringify(delivery)).not.toContain("hunter2");
  });
});
